//! The blocks that the anime generator is made of.

use crate::nn::conv::{conv_transpose2d, conv2d};
use crate::nn::init::HE;
use crate::nn::layers::{Conv2d, ConvConfig, conv};
use crate::nn::modulation::{Modulation, rectify_styled};
use crate::nn::pairs::sum;
use crate::nn::rectify::add_bias_to;
use candle_core::{Result, Tensor};
use candle_nn::{Init, VarBuilder};

/// Of the leaky rectifiers.
pub(super) const SLOPE: f32 = 0.1;

/// `x + conv(rectify(conv(x)))`, all 3×3; the second convolution starts at zero.
pub(super) struct Residual {
    pub(super) conv1: Conv2d,
    pub(super) conv2: Conv2d,
    /// Of the first convolution.
    pub(super) modulation: Option<Modulation>,
}

impl Residual {
    pub(super) fn new(channels: usize, styles: usize, vb: VarBuilder<'_>) -> Result<Self> {
        Ok(Self {
            conv1: conv(channels, channels, ConvConfig::same3(HE), vb.pp("conv1"))?,
            conv2: conv(channels, channels, ConvConfig::same3(Init::Const(0.0)), vb.pp("conv2"))?,
            modulation: Modulation::new(channels, styles, vb.pp("style"))?,
        })
    }

    pub(super) fn forward(&self, x: &Tensor, style: Option<&Tensor>) -> Result<Tensor> {
        let inner = rectified(&self.conv1, x, self.modulation.as_ref(), style)?;
        add_bias_to(&self.conv2.linear(&inner)?, self.conv2.biased()?, x)
    }
}

/// A convolution, modulated and rectified.
pub(super) fn rectified(
    conv: &Conv2d,
    x: &Tensor,
    modulation: Option<&Modulation>,
    style: Option<&Tensor>,
) -> Result<Tensor> {
    match modulation {
        None => conv.rectified(x, SLOPE),
        modulation => rectify_styled(&conv.linear(x)?, conv.biased()?, modulation, style, SLOPE),
    }
}

/// Halving, then a residual refinement at the new size.
pub(super) struct Down {
    pub(super) halve: Conv2d,
    pub(super) refine: Residual,
}

/// Doubling joined with the skip, then a residual refinement.
pub(super) struct Up {
    /// 3×3 weight `(Cout, Cin, 3, 3)` after the nearest-neighbour doubling.
    pub(super) double: Tensor,
    /// 3×3 weight on the skip.
    pub(super) skip: Tensor,
    pub(super) bias: Tensor,
    pub(super) modulation: Option<Modulation>,
    pub(super) refine: Residual,
}

impl Up {
    pub(super) fn new(
        (inputs, skip, outputs): (usize, usize, usize),
        styles: usize,
        vb: VarBuilder<'_>,
    ) -> Result<Self> {
        // Fan-in of the two together.
        let std = (2.0 / (9 * (inputs + skip)) as f64).sqrt();
        let init = Init::Randn { mean: 0.0, stdev: std };
        Ok(Self {
            double: vb.get_with_hints((outputs, inputs, 3, 3), "double.weight", init)?,
            skip: vb.get_with_hints((outputs, skip, 3, 3), "skip.weight", init)?,
            bias: vb.get_with_hints(outputs, "bias", Init::Const(0.0))?,
            modulation: Modulation::new(outputs, styles, vb.pp("style"))?,
            refine: Residual::new(outputs, styles, vb.pp("refine"))?,
        })
    }

    pub(super) fn forward(&self, x: &Tensor, skip: &Tensor, style: Option<&Tensor>) -> Result<Tensor> {
        let doubled = conv_transpose2d(x, &spread(&self.double)?, 2, 1, 0)?;
        let joined = sum(&doubled, &conv2d(skip, &self.skip, 1, 1)?)?;
        let joined = rectify_styled(&joined, &self.bias, self.modulation.as_ref(), style, SLOPE)?;
        self.refine.forward(&joined, style)
    }
}

/// The weight `(Cin, Cout, 4, 4)` of the stride-2 transposed convolution that
/// equals nearest-neighbour doubling followed by the 3×3 convolution `w`
/// `(Cout, Cin, 3, 3)`: `w` flipped, convolved with a 2×2 block of ones.
pub(super) fn spread(w: &Tensor) -> Result<Tensor> {
    let (outputs, inputs, _, _) = w.dims4()?;
    let mut taps = [0f32; 9 * 16];
    for (ky, kx, ay, ax) in taps_and_blocks(3, 2) {
        taps[(ky * 3 + kx) * 16 + (2 - ky + ay) * 4 + (2 - kx + ax)] = 1.0;
    }
    let taps = Tensor::from_slice(&taps, (9, 16), w.device())?.to_dtype(w.dtype())?;
    w.reshape((outputs * inputs, 9))?.matmul(&taps)?.reshape((outputs, inputs, 4, 4))?.transpose(0, 1)?.contiguous()
}

/// All `(ky, kx, ay, ax)` with `k < kernel` and `a < block`.
fn taps_and_blocks(kernel: usize, block: usize) -> impl Iterator<Item = (usize, usize, usize, usize)> {
    (0..kernel * kernel)
        .flat_map(move |k| (0..block * block).map(move |a| (k / kernel, k % kernel, a / block, a % block)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::nn::activation::upsample2;
    use candle_core::Device;

    fn wave(shape: &[usize], scale: f32) -> Tensor {
        let values = (0..shape.iter().product::<usize>()).map(|i| scale * (0.7 * i as f32).sin()).collect();
        Tensor::from_vec::<_, f32>(values, shape, &Device::Cpu).unwrap()
    }

    #[test]
    fn spread_weight_equals_doubling_then_convolution() {
        let (x, w) = (wave(&[2, 5, 6, 4], 1.0), wave(&[3, 5, 3, 3], 0.5));
        let plain = conv2d(&upsample2(&x).unwrap(), &w, 1, 1).unwrap();
        let fused = conv_transpose2d(&x, &spread(&w).unwrap(), 2, 1, 0).unwrap();
        assert_eq!(plain.dims(), fused.dims());
        let off = (plain - fused).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(off < 1e-5, "{off}");
    }
}
