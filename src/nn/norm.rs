//! Batch norm (Ioffe, Szegedy 2015) and instance norm (Ulyanov et al. 2016).

mod fused;
mod second;

use super::activation::leaky_relu;
use super::generator::Pass;
use super::init::PIX2PIX_SCALE;
use super::plan::Affine;
use candle_core::{DType, Result, Tensor, Var, bail};
use candle_nn::{BatchNorm, Init, ModuleT, VarBuilder};
use serde::{Deserialize, Serialize};

pub(super) const EPSILON: f64 = 1e-5;

/// Which norm a network is built with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NormKind {
    /// Statistics of the batch in training, running ones at inference.
    #[default]
    Batch,
    /// Each picture's own statistics, without parameters.
    Instance,
    /// No norm.
    None,
}

impl std::str::FromStr for NormKind {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "batch" => Ok(Self::Batch),
            "instance" => Ok(Self::Instance),
            "none" => Ok(Self::None),
            _ => Err(format!("no norm is named {text:?}; there are: batch, instance, none")),
        }
    }
}

impl NormKind {
    /// Whether the convolution before the norm has a bias: a batch norm has its own.
    pub fn needs_bias(self) -> bool {
        self == Self::Instance
    }
}

/// What a batch norm takes for mean and variance outside training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Statistics {
    /// The averages kept in training: PyTorch's `eval()`.
    #[default]
    Running,
    /// Each picture's own: what pytorch-CycleGAN-and-pix2pix tests with, one picture at a time.
    Image,
}

impl Statistics {
    /// Whether they are the usual ones, which a card need not name.
    pub fn are_running(&self) -> bool {
        *self == Self::Running
    }
}

/// A norm over `(N, C, H, W)`.
#[derive(Clone, Debug)]
pub enum Norm {
    /// See [`NormKind::Batch`].
    Batch(BatchNorm, Statistics),
    /// See [`NormKind::Instance`].
    Instance,
    /// See [`NormKind::None`].
    None,
}

impl Norm {
    /// The same norm with these statistics; only a batch norm has a choice.
    pub fn at_test(self, statistics: Statistics) -> Self {
        match self {
            Self::Batch(norm, _) => Self::Batch(norm, statistics),
            other => other,
        }
    }

    /// Whether, outside training, every pixel of a picture counts for every other.
    pub fn sees_the_whole(&self) -> bool {
        matches!(self, Self::Instance | Self::Batch(_, Statistics::Image))
    }

    /// What becomes, outside training, of the sums of a convolution of `channels` channels with `bias`, for the
    /// inference plan.
    ///
    /// # Errors
    /// Those of candle.
    pub fn affine(&self, channels: usize, bias: Option<&Tensor>) -> Result<Affine> {
        Ok(match self {
            Self::None => Affine::bias(channels, bias)?,
            Self::Batch(norm, Statistics::Running) => {
                let (scale, shift) = folded(norm)?;
                Affine::bias(channels, bias)?.then(&scale, &shift)
            }
            // A bias moves the mean, which is taken away.
            Self::Batch(norm, Statistics::Image) => {
                let normalised = Affine::normalised(channels);
                let Some((weight, bias)) = norm.weight_and_bias() else { return Ok(normalised) };
                normalised.then(&weight.to_vec1()?, &bias.to_vec1()?)
            }
            Self::Instance => Affine::normalised(channels),
        })
    }

    /// The norm and a leaky rectifier of `slope`, 0..=1, behind it; 1 is none.
    ///
    /// # Errors
    /// In training, when there is one value a channel: it has no variance.
    pub fn rectified(&self, x: &Tensor, slope: f32, pass: &Pass<'_>) -> Result<Tensor> {
        let fused = x.dtype() == DType::F32;
        let normed = match self {
            Self::Batch(norm, Statistics::Image) if !pass.training => own_statistics(norm, x)?,
            Self::Batch(norm, _) if pass.training => {
                if x.elem_count() == x.dim(1)? {
                    bail!("batch norm needs more than one value a channel in training: use larger pictures or batches");
                }
                if fused {
                    return fused_batch_norm(norm, x, slope);
                }
                norm.forward_t(x, true)?
            }
            Self::Batch(norm, _) => norm.forward_t(x, false)?,
            Self::Instance if fused => return fused_instance_norm(x, slope),
            Self::Instance => instance_norm(x)?,
            Self::None => x.clone(),
        };
        if slope == 1.0 { Ok(normed) } else { leaky_relu(&normed, slope) }
    }

    /// The norm alone.
    ///
    /// # Errors
    /// Those of [`Self::rectified`].
    pub fn forward(&self, x: &Tensor, pass: &Pass<'_>) -> Result<Tensor> {
        self.rectified(x, 1.0, pass)
    }
}

/// A batch norm in training, and a rectifier: what candle's does, running statistics included.
fn fused_batch_norm(norm: &BatchNorm, x: &Tensor, slope: f32) -> Result<Tensor> {
    let Some((weight, bias)) = norm.weight_and_bias() else { return leaky_relu(&norm.forward_t(x, true)?, slope) };
    let channels = weight.elem_count();
    let moments = fused::moments_of(x, channels)?;
    let count = (x.elem_count() / channels) as f64;
    // The running variance is the unbiased one's.
    for (running, now, share) in
        [(norm.running_mean(), moments.get(0)?, 1.0), (norm.running_var(), moments.get(1)?, count / (count - 1.0))]
    {
        let kept = (running.detach() * (1.0 - norm.momentum()))?;
        Var::from_tensor(running)?.set(&(kept + (now * (norm.momentum() * share))?)?)?;
    }
    fused::normalise(x, moments, norm.eps(), (weight, bias), slope)
}

/// [`instance_norm`] and a rectifier.
fn fused_instance_norm(x: &Tensor, slope: f32) -> Result<Tensor> {
    let planes = x.dim(0)? * x.dim(1)?;
    let (ones, zeros) = (Tensor::ones(planes, DType::F32, x.device())?, Tensor::zeros(planes, DType::F32, x.device())?);
    fused::normalise(x, fused::moments_of(x, planes)?, EPSILON, (&ones, &zeros), slope)
}

/// A batch norm by each picture's own statistics.
fn own_statistics(norm: &BatchNorm, x: &Tensor) -> Result<Tensor> {
    let normed = instance_norm(x)?;
    let Some((weight, bias)) = norm.weight_and_bias() else { return Ok(normed) };
    let channels = (1, weight.elem_count(), 1, 1);
    normed.broadcast_mul(&weight.reshape(channels)?)?.broadcast_add(&bias.reshape(channels)?)
}

/// A batch norm by its running statistics as each channel's scale and shift.
///
/// # Errors
/// Those of candle.
fn folded(norm: &BatchNorm) -> Result<(Vec<f32>, Vec<f32>)> {
    let mut scale = (norm.running_var() + norm.eps())?.sqrt()?.recip()?;
    let mut shift = norm.running_mean().neg()?;
    if let Some((weight, bias)) = norm.weight_and_bias() {
        scale = (scale * weight)?;
        shift = ((shift * &scale)? + bias)?;
    } else {
        shift = (shift * &scale)?;
    }
    Ok((scale.to_vec1()?, shift.to_vec1()?))
}

/// Zero mean and unit (biased) variance over each plane of `(N, C, H, W)`.
///
/// # Errors
/// Those of candle.
pub fn instance_norm(x: &Tensor) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let planes = x.reshape((n * c, h * w))?;
    let centred = planes.broadcast_sub(&planes.mean_keepdim(1)?)?;
    let variance = centred.sqr()?.mean_keepdim(1)?;
    centred.broadcast_div(&(variance + EPSILON)?.sqrt()?)?.reshape((n, c, h, w))
}

/// A norm of `channels`, with `vb`'s parameters where its kind has any.
///
/// # Errors
/// When the builder lacks a tensor or has one of another shape.
pub fn norm(kind: NormKind, channels: usize, vb: VarBuilder<'_>) -> Result<Norm> {
    Ok(match kind {
        NormKind::Batch => {
            let norm = BatchNorm::new(
                channels,
                vb.get_with_hints(channels, "running_mean", Init::Const(0.0))?,
                vb.get_with_hints(channels, "running_var", Init::Const(1.0))?,
                vb.get_with_hints(channels, "weight", PIX2PIX_SCALE)?,
                vb.get_with_hints(channels, "bias", Init::Const(0.0))?,
                EPSILON,
            )?;
            Norm::Batch(norm, Statistics::Running)
        }
        NormKind::Instance => Norm::Instance,
        NormKind::None => Norm::None,
    })
}
