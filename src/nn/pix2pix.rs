//! What the generators of pix2pix have in common: their sizes.

use super::norm::{Norm, NormKind, Statistics, norm};
use candle_core::Result;
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

/// Sizes of a pix2pix U-Net or of a residual generator.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pix2pixConfig {
    /// Channels of the photo.
    pub inputs: usize,
    /// Channels of the picture.
    pub outputs: usize,
    /// Channels of the outermost layer (`ngf`); each halving doubles them, in a U-Net up to 8 times this.
    pub width: usize,
    /// The norm between the layers.
    pub norm: NormKind,
    /// What batch norm takes for its statistics outside training.
    #[serde(skip_serializing_if = "Statistics::are_running")]
    pub statistics: Statistics,
    /// Dropout after a U-Net's inner doublings or within the residual blocks: the paper's 0.5, or 0 for none.
    pub dropout: f32,
    /// Channels of Gaussian noise beside the photo; the paper's experiments dropped them, for dropout.
    #[serde(skip_serializing_if = "is_none")]
    pub noise: usize,
}

fn is_none(channels: &usize) -> bool {
    *channels == 0
}

impl Default for Pix2pixConfig {
    /// The paper's sizes.
    fn default() -> Self {
        Self {
            inputs: 3,
            outputs: 3,
            width: 64,
            norm: NormKind::Batch,
            statistics: Statistics::Running,
            dropout: 0.5,
            noise: 0,
        }
    }
}

impl Pix2pixConfig {
    /// Channels that the first layer sees: the photo's and the noise's.
    pub(super) fn seen(&self) -> usize {
        self.inputs + self.noise
    }

    /// The norm of `channels` planes.
    pub(super) fn norm(&self, channels: usize, vb: VarBuilder<'_>) -> Result<Norm> {
        Ok(norm(self.norm, channels, vb)?.at_test(self.statistics))
    }
}
