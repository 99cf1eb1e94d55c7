//! A picture's brightness, to differentiate through.

use candle_core::{Result, Tensor};

/// BT.709 luma of the sRGB values, as the measures take it: `(N, 3, H, W)` to `(N, 1, H, W)`.
pub(super) fn grey(picture: &Tensor) -> Result<Tensor> {
    let channel = |index: usize, weight: f64| picture.narrow(1, index, 1)? * weight;
    (channel(0, 0.2126)? + channel(1, 0.7152)?)? + channel(2, 0.0722)?
}
