//! pix2pix's discriminator (Isola et al. 2017, §6.1.2): a convolutional
//! network that judges overlapping patches, 70×70 pixels with three halvings.

use super::activation::leaky_relu;
use super::generator::Pass;
use super::layers::{Conv2d, ConvConfig, conv};
use super::norm::{Norm, NormKind, norm};
use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

/// Sizes of a PatchGAN.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PatchGanConfig {
    /// Channels of what is judged: photo and picture together, 6.
    pub inputs: usize,
    /// Channels after the first layer; they double up to 8 times this.
    pub width: usize,
    /// Halvings: 3 sees 70×70 pixels. 0 judges each pixel alone (pix2pix's PixelGAN).
    pub layers: usize,
    /// The norm between the layers.
    pub norm: NormKind,
}

impl Default for PatchGanConfig {
    fn default() -> Self {
        Self { inputs: 6, width: 64, layers: 3, norm: NormKind::Batch }
    }
}

/// See the module.
pub struct PatchGan {
    layers: Vec<(Conv2d, Norm)>,
    /// The last layer: one logit a patch.
    judge: Conv2d,
}

/// A PatchGAN from `vb`'s `layer1…` and `judge`.
///
/// # Errors
/// When the builder lacks a tensor or has one of another shape.
pub fn patch_gan(config: PatchGanConfig, vb: VarBuilder<'_>) -> Result<PatchGan> {
    let mut layers = Vec::new();
    let mut inputs = config.inputs;
    let (levels, kernel) = if config.layers == 0 { (1, 1) } else { (config.layers, 4) };
    let sized = |stride| ConvConfig { kernel, stride, padding: kernel / 4, ..ConvConfig::default() };
    for level in 0..=levels {
        let outputs = config.width << level.min(3);
        let first = level == 0;
        let kind = if first { NormKind::None } else { config.norm };
        let stride = if level == levels || kernel == 1 { 1 } else { 2 };
        let sizes = ConvConfig { bias: first || config.norm.needs_bias(), ..sized(stride) };
        let vb = vb.pp(format!("layer{}", level + 1));
        layers.push((conv(inputs, outputs, sizes, vb.pp("conv"))?, norm(kind, outputs, vb.pp("norm"))?));
        inputs = outputs;
    }
    // The reference's judge of single pixels has no bias beside batch norm.
    let bias = kernel > 1 || config.norm.needs_bias();
    let judge = conv(inputs, 1, ConvConfig { bias, ..sized(1) }, vb.pp("judge"))?;
    Ok(PatchGan { layers, judge })
}

impl PatchGan {
    /// `photo` and `picture`, both `(N, 3, H, W)` in −1..1, to logits
    /// `(N, 1, H', W')`: positive where a patch looks real.
    ///
    /// # Errors
    /// When the shapes differ or the pictures are smaller than a patch's layers need.
    pub fn forward(&self, photo: &Tensor, picture: &Tensor, pass: &Pass<'_>) -> Result<Tensor> {
        let mut x = Tensor::cat(&[photo, picture], 1)?;
        for (conv, norm) in &self.layers {
            x = leaky_relu(&norm.forward(&conv.forward(&x)?, pass)?, 0.2)?;
        }
        self.judge.forward(&x)
    }
}
