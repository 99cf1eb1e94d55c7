//! How far a drawing is from its target, pixel by pixel.

use super::grey::grey;
use candle_core::{Result, Tensor};

/// Mean absolute difference of two pictures `(N, C, H, W)`.
///
/// # Errors
/// When the shapes differ.
pub fn l1(drawn: &Tensor, target: &Tensor) -> Result<Tensor> {
    (drawn - target)?.abs()?.mean_all()
}

/// Mean absolute difference of the horizontal and vertical steps between
/// neighbouring pixels: keeps lines crisp where L1 alone would settle for soft ones.
///
/// # Errors
/// When the shapes differ.
pub fn gradient_l1(drawn: &Tensor, target: &Tensor) -> Result<Tensor> {
    let difference = (drawn - target)?;
    let (_, _, h, w) = difference.dims4()?;
    let across = (difference.narrow(3, 1, w - 1)? - difference.narrow(3, 0, w - 1)?)?;
    let down = (difference.narrow(2, 1, h - 1)? - difference.narrow(2, 0, h - 1)?)?;
    across.abs()?.mean_all()? + down.abs()?.mean_all()?
}

/// Mean absolute difference of what grey leaves of the colours, RGB − grey: a
/// tint costs little in L1 where light and lines cost much.
///
/// # Errors
/// When the shapes differ.
pub fn colour(drawn: &Tensor, target: &Tensor) -> Result<Tensor> {
    let difference = (drawn - target)?;
    difference.broadcast_sub(&grey(&difference)?)?.abs()?.mean_all()
}
