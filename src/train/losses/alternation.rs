//! The checkerboard that a network draws without being asked to.

use candle_core::{Result, Tensor, bail};

/// Side of the blocks that are looked at, pixels.
const BLOCK: usize = 16;

/// How strongly `drawn − target` alternates in step with the pixel grid: from
/// row to row, from column to column, and as a checkerboard; the mean of each
/// over blocks of 16×16 pixels, absolute, mean of all blocks and channels.
///
/// A pattern of one grey level is nothing to L1, and lines cross the grid
/// where they please: within a block they come out even, the pattern adds up.
/// The three are the high bands of a Haar transform, averaged before their
/// size is taken.
///
/// # Errors
/// When the shapes differ or a side is under 16 pixels.
pub fn alternation(drawn: &Tensor, target: &Tensor) -> Result<Tensor> {
    let difference = (drawn - target)?;
    let (_, _, h, w) = difference.dims4()?;
    if h < BLOCK || w < BLOCK {
        bail!("the alternation loss needs sides of at least {BLOCK} pixels, not {w}×{h}");
    }
    let difference = difference.narrow(2, 0, h / BLOCK * BLOCK)?.narrow(3, 0, w / BLOCK * BLOCK)?;
    let (even, odd) = halves(&difference, 3)?;
    let (same, columns) = ((&even + &odd)?, (even - odd)?);
    let (even, odd) = halves(&same, 2)?;
    let rows = (even - odd)?;
    let (even, odd) = halves(&columns, 2)?;
    let (columns, both) = ((&even + &odd)?, (even - odd)?);
    let size = |band: Tensor| (band * 0.25)?.contiguous()?.avg_pool2d(BLOCK / 2)?.abs()?.mean_all();
    (size(rows)? + size(columns)?)? + size(both)?
}

/// The pixels of even and of odd places along `dim` of `(N, C, H, W)`.
fn halves(x: &Tensor, dim: usize) -> Result<(Tensor, Tensor)> {
    let mut shape = x.dims().to_vec();
    shape[dim] /= 2;
    shape.insert(dim + 1, 2);
    let pairs = x.contiguous()?.reshape(shape)?;
    let half = |which: usize| pairs.narrow(dim + 1, which, 1)?.squeeze(dim + 1);
    Ok((half(0)?, half(1)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::pictures::{SIDE, grey as picture};
    use super::*;
    use candle_core::Var;

    fn of(value: impl Fn(usize, usize) -> f32) -> f32 {
        alternation(&picture(value), &picture(|_, _| 0.0)).unwrap().to_scalar().unwrap()
    }

    fn sign(i: usize) -> f32 {
        if i.is_multiple_of(2) { 0.1 } else { -0.1 }
    }

    #[test]
    fn every_pattern_of_the_grid_costs_its_size() {
        for cost in [of(|x, _| sign(x)), of(|_, y| sign(y)), of(|x, y| sign(x + y))] {
            assert!((cost - 0.1).abs() < 1e-6, "{cost}");
        }
    }

    #[test]
    fn lines_and_slopes_cost_little() {
        assert!(of(|x, y| 0.1 * ((x + 2 * y) as f32 / 5.0).sin()) < 0.01);
        assert!(of(|x, _| if x % 8 < 2 { 0.1 } else { 0.0 }) < 1e-6);
        assert_eq!(of(|_, _| 0.7), 0.0);
    }

    #[test]
    fn it_can_be_followed() {
        let drawn = Var::from_tensor(&picture(|x, y| sign(x + y))).unwrap();
        let gradient = alternation(&drawn, &picture(|_, _| 0.0)).unwrap().backward().unwrap();
        let gradient: Vec<f32> = gradient.get(&drawn).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        // Down where the pattern is up; nothing in the last column, which no block holds.
        assert!(gradient[0] > 0.0 && gradient[1] < 0.0 && gradient[SIDE] < 0.0 && gradient[SIDE - 1] == 0.0);
    }
}
