//! pix2pix's discriminator (Isola et al. 2017, §6.1.2): a convolutional
//! network that judges overlapping patches, 70×70 pixels with three halvings.

mod derivative;

use super::beside::beside;
use super::generator::Pass;
use super::layers::{Conv2d, ConvConfig, conv};
use super::norm::{Norm, NormKind, norm};
use super::segment::segment;
use super::spectral::normalised;
use candle_core::{Result, Tensor};
use candle_nn::{Init, VarBuilder};
use serde::{Deserialize, Serialize};

/// Slope of the rectifiers below 0.
const SLOPE: f32 = 0.2;

/// Sizes of a PatchGAN.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PatchGanConfig {
    /// Channels of what is judged: photo and picture together, 6; the picture
    /// alone (an unconditional discriminator), 3.
    pub inputs: usize,
    /// Channels after the first layer; they double up to 8 times this.
    pub width: usize,
    /// Halvings: 3 sees 70×70 pixels. 0 judges each pixel alone (pix2pix's PixelGAN).
    pub layers: usize,
    /// The norm between the layers.
    pub norm: NormKind,
    /// Spectral normalisation of every weight.
    #[serde(skip_serializing_if = "is_default")]
    pub spectral: bool,
    /// Scales that are judged: 2 adds a discriminator of its own for the
    /// picture at half its size (Wang et al. 2018).
    #[serde(skip_serializing_if = "is_one")]
    pub scales: usize,
}

fn is_default(value: &bool) -> bool {
    !value
}

fn is_one(value: &usize) -> bool {
    *value == 1
}

impl Default for PatchGanConfig {
    fn default() -> Self {
        Self { inputs: 6, width: 64, layers: 3, norm: NormKind::Batch, spectral: false, scales: 1 }
    }
}

/// A convolution, the state of its spectral norm where it has one, and a norm.
struct Layer {
    conv: Conv2d,
    singular: Option<Tensor>,
    norm: Norm,
}

impl Layer {
    /// The convolution with the weight in force.
    fn weighted(&self, pass: &Pass<'_>) -> Result<Conv2d> {
        let mut conv = self.conv.clone();
        if let Some(singular) = &self.singular {
            conv.weight = normalised(&conv.weight, singular, pass.training)?;
        }
        Ok(conv)
    }
}

/// What a discriminator says at one scale.
pub struct Judgement {
    /// What each layer but the last found, from the first on: for feature matching.
    pub features: Vec<Tensor>,
    /// `(N, 1, H', W')`: positive where a patch looks real.
    pub logits: Tensor,
}

/// See the module.
pub struct PatchGan {
    inputs: usize,
    layers: Vec<Layer>,
    /// The last layer: one logit a patch.
    judge: Layer,
    /// The discriminator of the picture at half its size.
    coarse: Option<Box<PatchGan>>,
}

/// A PatchGAN from `vb`'s `layer1…` and `judge`, and `coarse` for a second scale.
///
/// # Errors
/// When the builder lacks a tensor or has one of another shape.
pub fn patch_gan(config: PatchGanConfig, vb: VarBuilder<'_>) -> Result<PatchGan> {
    let layer = |inputs, outputs, sizes, of_conv: VarBuilder<'_>, norm| -> Result<Layer> {
        let random = Init::Randn { mean: 0.0, stdev: 1.0 };
        // "running": no optimiser moves it, as with a batch norm's statistics.
        let singular =
            config.spectral.then(|| of_conv.get_with_hints(outputs, "running_singular", random)).transpose()?;
        Ok(Layer { conv: conv(inputs, outputs, sizes, of_conv)?, singular, norm })
    };
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
        layers.push(layer(inputs, outputs, sizes, vb.pp("conv"), norm(kind, outputs, vb.pp("norm"))?)?);
        inputs = outputs;
    }
    // The reference's judge of single pixels has no bias beside batch norm.
    let bias = kernel > 1 || config.norm.needs_bias();
    let judge = layer(inputs, 1, ConvConfig { bias, ..sized(1) }, vb.pp("judge"), Norm::None)?;
    let coarse = match config.scales {
        0 | 1 => None,
        scales => Some(Box::new(patch_gan(PatchGanConfig { scales: scales - 1, ..config }, vb.pp("coarse"))?)),
    };
    Ok(PatchGan { inputs: config.inputs, layers, judge, coarse })
}

impl PatchGan {
    /// `photo` and `picture`, both `(N, 3, H, W)` in −1..1, to logits
    /// `(N, 1, H', W')` at full size: positive where a patch looks real.
    ///
    /// # Errors
    /// When the shapes differ or the pictures are smaller than a patch's layers need.
    pub fn forward(&self, photo: &Tensor, picture: &Tensor, pass: &Pass<'_>) -> Result<Tensor> {
        segment(|| self.at_this_scale(&self.judged(photo, picture)?, pass))
    }

    /// The same at every scale.
    ///
    /// # Errors
    /// The same.
    pub fn logits(&self, photo: &Tensor, picture: &Tensor, pass: &Pass<'_>) -> Result<Vec<Tensor>> {
        match self.coarse {
            None => Ok(vec![self.forward(photo, picture, pass)?]),
            Some(_) => self.at_scales(photo, picture, |scale, judged| scale.at_this_scale(judged, pass)),
        }
    }

    /// The same with the features found on the way.
    ///
    /// # Errors
    /// The same.
    pub fn judge(&self, photo: &Tensor, picture: &Tensor, pass: &Pass<'_>) -> Result<Vec<Judgement>> {
        self.at_scales(photo, picture, |scale, judged| scale.judgement(judged, pass))
    }

    /// What each scale's network makes of what it judges.
    fn at_scales<T>(
        &self,
        photo: &Tensor,
        picture: &Tensor,
        of: impl Fn(&Self, &Tensor) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut judged = self.judged(photo, picture)?;
        let mut found = Vec::new();
        for scale in self.scales() {
            if !found.is_empty() {
                judged = judged.avg_pool2d(2)?;
            }
            found.push(of(scale, &judged)?);
        }
        Ok(found)
    }

    /// What is judged: photo and picture, or the picture alone.
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn judged(&self, photo: &Tensor, picture: &Tensor) -> Result<Tensor> {
        if self.inputs == picture.dim(1)? { Ok(picture.clone()) } else { beside(photo, picture) }
    }

    /// The discriminators, from the full size to the smallest.
    pub fn scales(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |scale| scale.coarse.as_deref())
    }

    /// The logits of `judged` `(N, Cin, H, W)` by this scale's network alone.
    ///
    /// # Errors
    /// When the pictures are smaller than a patch's layers need.
    pub fn at_this_scale(&self, judged: &Tensor, pass: &Pass<'_>) -> Result<Tensor> {
        segment(|| Ok(self.judgement(judged, pass)?.logits))
    }

    fn judgement(&self, judged: &Tensor, pass: &Pass<'_>) -> Result<Judgement> {
        let mut features: Vec<Tensor> = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let (conv, x) = (layer.weighted(pass)?, features.last().unwrap_or(judged));
            features.push(segment(|| match (&layer.norm, &conv.bias) {
                (Norm::None, Some(_)) => conv.rectified(x, SLOPE),
                (norm, _) => norm.rectified(&conv.forward(x)?, SLOPE, pass),
            })?);
        }
        let judge = self.judge.weighted(pass)?;
        let logits = segment(|| judge.forward(features.last().unwrap_or(judged)))?;
        Ok(Judgement { features, logits })
    }
}
