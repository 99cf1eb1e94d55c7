//! Whether a drawing moves with its photo.

use super::super::rng::Stream;
use super::likeness::l1;
use candle_core::{Result, Tensor, bail};

/// Pixels along a window's border that are not compared: what lies outside of it changes them rightly.
const BORDER: usize = 24;

/// A square window of a photo.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    x: usize,
    y: usize,
    side: usize,
}

impl Window {
    /// One of some 5/8 of the shorter side of `photo` `(N, C, H, W)`, a multiple of `multiple`, anywhere in it.
    ///
    /// # Errors
    /// When the photo is too small for a window to have an inside.
    pub fn draw(photo: &Tensor, multiple: usize, stream: &mut Stream) -> Result<Self> {
        let (_, _, h, w) = photo.dims4()?;
        let side = h.min(w) * 5 / 8 / multiple * multiple;
        if side <= 2 * BORDER {
            let least = (2 * BORDER / multiple + 1) * multiple * 8 / 5;
            bail!(
                "the shift loss needs crops of at least {least} pixels, not {w}×{h}: raise --crop or leave --lambda-shift at 0"
            );
        }
        let mut start = |length: usize| stream.between(0, (length - side) as i64) as usize;
        Ok(Self { x: start(w), y: start(h), side })
    }

    /// What lies in it of `picture` `(N, C, H, W)`.
    ///
    /// # Errors
    /// When the picture is not of the photo's size.
    pub fn of(&self, picture: &Tensor) -> Result<Tensor> {
        picture.narrow(2, self.y, self.side)?.narrow(3, self.x, self.side)?.contiguous()
    }
}

/// The L1 of the window in `drawn`, and `alone`, what the generator draws of that window of the photo; away from its borders.
///
/// A network that halves and doubles sees the photo on a grid, and draws the same thing otherwise where it lies otherwise
/// on it (Zhang 2019): it flickers when the photo moves. The window begins anywhere on the grid.
///
/// # Errors
/// When the shapes differ.
pub fn shift(drawn: &Tensor, alone: &Tensor, window: &Window) -> Result<Tensor> {
    let inside = window.side - 2 * BORDER;
    let inner = |picture: &Tensor| picture.narrow(2, BORDER, inside)?.narrow(3, BORDER, inside);
    l1(&inner(&window.of(drawn)?)?, &inner(alone)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use candle_core::{Device, Var};

    const SIDE: usize = 128;

    fn photo() -> Tensor {
        let values: Vec<f32> = (0..3 * SIDE * SIDE).map(|i| (i as f32 * 0.37).sin()).collect();
        Tensor::from_vec(values, (1, 3, SIDE, SIDE), &Device::Cpu).unwrap()
    }

    /// Every other row and column darker, counted from where the picture begins.
    fn on_the_grid(photo: &Tensor) -> Tensor {
        let (_, _, h, w) = photo.dims4().unwrap();
        let values = (0..h * w).map(|i| if (i / w + i % w).is_multiple_of(2) { 0.0 } else { -0.1f32 });
        let grid = Tensor::from_iter(values, &Device::Cpu).unwrap().reshape((1, 1, h, w)).unwrap();
        photo.broadcast_add(&grid).unwrap()
    }

    fn windows() -> impl Iterator<Item = Window> {
        (0..20).map(|step| Window::draw(&photo(), 16, &mut Stream::derive(1, "shift", step)).unwrap())
    }

    fn cost(draw: fn(&Tensor) -> Tensor, window: &Window) -> f32 {
        let loss = shift(&draw(&photo()), &draw(&window.of(&photo()).unwrap()), window).unwrap();
        loss.to_scalar().unwrap()
    }

    #[test]
    fn what_moves_with_the_photo_costs_nothing() {
        for window in windows() {
            assert_eq!(cost(|photo| (photo * 0.5).unwrap(), &window), 0.0, "{window:?}");
        }
    }

    #[test]
    fn a_pattern_of_the_grid_costs_where_the_grids_differ() {
        let (mut apart, mut together) = (0, 0);
        for window in windows() {
            let cost = cost(on_the_grid, &window);
            if (window.x + window.y).is_multiple_of(2) {
                together += 1;
                assert!(cost < 1e-6, "{window:?}: {cost}");
            } else {
                apart += 1;
                assert!((cost - 0.1).abs() < 1e-5, "{window:?}: {cost}");
            }
        }
        assert!(apart > 0 && together > 0);
    }

    #[test]
    fn the_drawing_learns_from_it_and_the_border_does_not_count() {
        let window = Window { x: 3, y: 5, side: 80 };
        let drawn = Var::from_tensor(&photo()).unwrap();
        let alone = (window.of(&photo()).unwrap() + 0.1).unwrap();
        let gradients = shift(&drawn, &alone, &window).unwrap().backward().unwrap();
        let counted = gradients.get(&drawn).unwrap().ne(0.0).unwrap().to_dtype(candle_core::DType::F32).unwrap();
        assert_eq!(counted.sum_all().unwrap().to_scalar::<f32>().unwrap(), (3 * 32 * 32) as f32);
    }

    #[test]
    fn too_small_a_crop_is_said() {
        let small = Tensor::zeros((1, 3, 64, 64), candle_core::DType::F32, &Device::Cpu).unwrap();
        let error = Window::draw(&small, 16, &mut Stream::derive(1, "shift", 0)).unwrap_err().to_string();
        assert!(error.contains("102 pixels, not 64×64"), "{error}");
    }
}
