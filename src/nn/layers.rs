//! Convolution layers: a weight, perhaps a bias, and the sizes.

use super::activation::add_bias;
use super::conv::{conv_transpose2d, conv2d};
use super::conv_rectify::conv_rectify;
use super::init::PIX2PIX_WEIGHT;
use candle_core::{Error, Result, Tensor};
use candle_nn::{Init, VarBuilder};

/// Sizes and initialisation of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct ConvConfig {
    /// Side of the square kernel.
    pub kernel: usize,
    /// Step between neighbouring windows.
    pub stride: usize,
    /// Zeros around the input.
    pub padding: usize,
    /// Rows and columns that a transposed convolution adds below and to the right.
    pub output_padding: usize,
    /// Whether a number is added to each output channel.
    pub bias: bool,
    /// How the weight starts; a bias starts at zero.
    pub init: Init,
}

impl Default for ConvConfig {
    /// pix2pix's layer: 4×4, stride 2, padding 1.
    fn default() -> Self {
        Self { kernel: 4, stride: 2, padding: 1, output_padding: 0, bias: true, init: PIX2PIX_WEIGHT }
    }
}

impl ConvConfig {
    /// 3×3, stride 1, padding 1: the size stays.
    pub fn same3(init: Init) -> Self {
        Self { kernel: 3, stride: 1, padding: 1, output_padding: 0, bias: true, init }
    }
}

/// A convolution `(N, Cin, H, W)` → `(N, Cout, H', W')`.
#[derive(Clone, Debug)]
pub struct Conv2d {
    pub(super) weight: Tensor,
    pub(super) bias: Option<Tensor>,
    pub(super) config: ConvConfig,
}

impl Conv2d {
    /// Runs the layer.
    ///
    /// # Errors
    /// When the input's shape does not fit.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = self.linear(x)?;
        self.bias.as_ref().map_or(Ok(y.clone()), |bias| add_bias(&y, bias))
    }

    /// The layer, rectified with a slope above 0.
    ///
    /// # Errors
    /// When the input's shape does not fit, or there is no bias.
    pub(super) fn rectified(&self, x: &Tensor, slope: f32) -> Result<Tensor> {
        conv_rectify(x, &self.weight, self.biased()?, (self.config.stride, self.config.padding), slope)
    }

    /// The bias.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn biased(&self) -> Result<&Tensor> {
        self.bias.as_ref().ok_or_else(|| Error::msg("this network's convolutions have a bias"))
    }

    /// The layer without its bias.
    pub(super) fn linear(&self, x: &Tensor) -> Result<Tensor> {
        conv2d(x, &self.weight, self.config.stride, self.config.padding)
    }
}

/// A convolution from `vb`'s `weight` and `bias`.
///
/// # Errors
/// When the builder lacks a tensor or has one of another shape.
pub fn conv(inputs: usize, outputs: usize, config: ConvConfig, vb: VarBuilder<'_>) -> Result<Conv2d> {
    let weight = vb.get_with_hints((outputs, inputs, config.kernel, config.kernel), "weight", config.init)?;
    let bias = config.bias.then(|| vb.get_with_hints(outputs, "bias", Init::Const(0.0))).transpose()?;
    Ok(Conv2d { weight, bias, config })
}

/// A transposed convolution `(N, Cin, H, W)` → `(N, Cout, H', W')`.
#[derive(Clone, Debug)]
pub struct ConvTranspose2d {
    pub(super) weight: Tensor,
    pub(super) bias: Option<Tensor>,
    config: ConvConfig,
}

impl ConvTranspose2d {
    /// Runs the layer.
    ///
    /// # Errors
    /// When the input's shape does not fit.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let ConvConfig { stride, padding, output_padding, .. } = self.config;
        let y = conv_transpose2d(x, &self.weight, stride, padding, output_padding)?;
        self.bias.as_ref().map_or(Ok(y.clone()), |bias| add_bias(&y, bias))
    }
}

/// A transposed convolution from `vb`'s `weight` (PyTorch's `(Cin, Cout, K, K)`) and `bias`.
///
/// # Errors
/// When the builder lacks a tensor or has one of another shape.
pub fn conv_transpose(
    inputs: usize,
    outputs: usize,
    config: ConvConfig,
    vb: VarBuilder<'_>,
) -> Result<ConvTranspose2d> {
    let weight = vb.get_with_hints((inputs, outputs, config.kernel, config.kernel), "weight", config.init)?;
    let bias = config.bias.then(|| vb.get_with_hints(outputs, "bias", Init::Const(0.0))).transpose()?;
    Ok(ConvTranspose2d { weight, bias, config })
}
