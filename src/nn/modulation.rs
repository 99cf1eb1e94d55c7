//! How a style changes a layer: a scale and a shift for each channel
//! (Perez et al. 2018), linear in the style's vector.
//!
//! Linear, so that a mix of styles lies between them in every layer, and the
//! zero vector leaves the layer as it is.

use super::rectify::rectify;
use candle_core::{Result, Tensor};
use candle_nn::{Init, VarBuilder};

/// `x·(1 + A·v) + B·v` for a style `v` of `k` entries.
pub(super) struct Modulation {
    /// A `(C, k)`.
    pub(super) scale: Tensor,
    /// B `(C, k)`.
    pub(super) shift: Tensor,
}

impl Modulation {
    /// From `vb`'s `scale` and `shift`, which start at zero; none without styles.
    ///
    /// # Errors
    /// When the builder lacks a tensor or has one of another shape.
    pub(super) fn new(channels: usize, styles: usize, vb: VarBuilder<'_>) -> Result<Option<Self>> {
        let get = |name| vb.get_with_hints((channels, styles), name, Init::Const(0.0));
        (styles > 0).then(|| Ok(Self { scale: get("scale")?, shift: get("shift")? })).transpose()
    }

    /// The scales and the shifts `(N, C)` that the styles `v` `(N, k)` ask for.
    pub(super) fn of(&self, v: &Tensor) -> Result<(Tensor, Tensor)> {
        Ok(((v.matmul(&self.scale.t()?)? + 1.0)?, v.matmul(&self.shift.t()?)?))
    }
}

/// `leaky(scale·(x + bias) + shift)`, with the scale and shift that `modulation`
/// has at `style` `(N, k)`, or 1 and 0; `x` `(N, C, H, W)`, `bias` `(C)`.
///
/// # Errors
/// Those of candle.
pub(super) fn rectify_styled(
    x: &Tensor,
    bias: &Tensor,
    modulation: Option<&Modulation>,
    style: Option<&Tensor>,
    slope: f32,
) -> Result<Tensor> {
    let (Some(modulation), Some(style)) = (modulation, style) else { return rectify(x, None, bias, slope) };
    let (scale, shift) = modulation.of(style)?;
    // The bias goes through the scale into the shift: so it is one pass.
    let shift = (scale.broadcast_mul(bias)? + shift)?;
    rectify(x, Some(&scale), &shift, slope)
}
