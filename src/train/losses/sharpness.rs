//! How much fine detail a drawing has, wherever it lies.

use super::grey::grey;
use candle_core::{Result, Tensor};

/// How much the local contrast of fine detail differs: in blocks of 8×8
/// pixels, the root mean square of the Laplacian of grey, drawn against
/// target, mean absolute difference.
///
/// L1 settles for the median of the lines that may lie under a pixel: too
/// soft. This asks for as much line as the target has and leaves its place to
/// the others: matching local statistics instead of values (Portilla,
/// Simoncelli 2000).
///
/// Taken at two bands, of grey and of its means over 2×2 pixels. The first
/// alone is had most cheaply by pixels that alternate, where the Laplacian is
/// largest: a checkerboard. The means hold none of it, so the lines
/// themselves must be there, and then the first finds a checkerboard too much.
///
/// # Errors
/// When the shapes differ or a side is under 11 pixels.
pub fn sharpness(drawn: &Tensor, target: &Tensor) -> Result<Tensor> {
    let (drawn, target) = (grey(drawn)?, grey(target)?);
    let differ = |a: &Tensor, b: &Tensor| (detail(a)? - detail(b)?)?.abs()?.mean_all();
    differ(&drawn, &target)? + differ(&means(&drawn)?, &means(&target)?)?
}

/// Means over every 2×2 pixels: a row and a column less.
fn means(grey: &Tensor) -> Result<Tensor> {
    let (_, _, h, w) = grey.dims4()?;
    let pairs = (grey.narrow(2, 1, h.saturating_sub(1))? + grey.narrow(2, 0, h.saturating_sub(1))?)?;
    (pairs.narrow(3, 1, w.saturating_sub(1))? + pairs.narrow(3, 0, w.saturating_sub(1))?)? * 0.25
}

/// Root mean square of the Laplacian in blocks: `(N, 1, H, W)` to `(N, H/8, W/8)`.
fn detail(grey: &Tensor) -> Result<Tensor> {
    const BLOCK: usize = 8;
    let (n, _, h, w) = grey.dims4()?;
    if h < BLOCK + 2 || w < BLOCK + 2 {
        candle_core::bail!("the sharpness loss needs sides of at least {} pixels, not {w}×{h}", BLOCK + 2);
    }
    let (rows, columns) = ((h - 2) / BLOCK, (w - 2) / BLOCK);
    let shifted = |y: usize, x: usize| grey.narrow(2, y, rows * BLOCK)?.narrow(3, x, columns * BLOCK);
    let around = ((shifted(0, 1)? + shifted(2, 1)?)? + (shifted(1, 0)? + shifted(1, 2)?)?)?;
    let laplacian = ((shifted(1, 1)? * 4.0)? - around)?;
    let blocks = laplacian.sqr()?.reshape((n, rows, BLOCK, columns, BLOCK))?.mean((2, 4))?;
    (blocks + 1e-6)?.sqrt()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::pictures::grey as picture;
    use super::*;

    fn loss(drawn: &Tensor, target: &Tensor) -> f32 {
        sharpness(drawn, target).unwrap().to_scalar().unwrap()
    }

    #[test]
    fn a_checkerboard_is_no_substitute_for_lines() {
        let line = |x: usize| if x % 8 < 2 { 1.0 } else { 0.0 };
        let target = picture(|x, _| line(x));
        // Half as strong, and then as much Laplacian as the target's from
        // pixels that alternate: a line's two edges have the mean square
        // (1 + 1 + 1 + 1)/8, an alternation of ±a has (8a)².
        let soft = picture(|x, _| 0.5 * line(x));
        let missing = (0.75f32 * 0.5).sqrt() / 8.0;
        let checked = picture(|x, y| 0.5 * line(x) + if (x + y) % 2 == 0 { missing } else { -missing });
        let (soft, checked) = (loss(&soft, &target), loss(&checked, &target));
        assert!(loss(&target, &target) < 1e-6);
        // The first band alone would call the checkered picture perfect.
        assert!(checked > 0.3 * soft, "{checked} beside {soft}");
    }

    #[test]
    fn a_line_moved_costs_nothing() {
        let line = |x: usize| if x % 8 < 2 { 1.0 } else { 0.0 };
        let moved = loss(&picture(|x, _| line(x + 3)), &picture(|x, _| line(x)));
        assert!(moved < 1e-6, "{moved}");
    }
}
