//! The losses of the pix2pix loop.

use candle_core::{Result, Tensor};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// How the discriminator's logits become a loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum GanLoss {
    /// Cross entropy on logits (Goodfellow et al. 2014, non-saturating): the paper's.
    #[default]
    Vanilla,
    /// Least squares (Mao et al. 2017).
    Lsgan,
    /// Hinge (Lim, Ye 2017).
    Hinge,
}

impl GanLoss {
    /// The discriminator's loss on its logits for real and for drawn pictures:
    /// half the sum of the two, so that it learns at half the speed of the
    /// generator (Isola et al. 2017, §3.3).
    ///
    /// # Errors
    /// Those of candle.
    pub fn discriminator(self, real: &Tensor, drawn: &Tensor) -> Result<Tensor> {
        let sum = match self {
            Self::Vanilla => (cross_entropy(real, true)? + cross_entropy(drawn, false)?)?,
            Self::Lsgan => ((real - 1.0)?.sqr()?.mean_all()? + drawn.sqr()?.mean_all()?)?,
            Self::Hinge => ((1.0 - real)?.relu()?.mean_all()? + (drawn + 1.0)?.relu()?.mean_all()?)?,
        };
        sum * 0.5
    }

    /// The generator's loss on the discriminator's logits for drawn pictures.
    ///
    /// # Errors
    /// Those of candle.
    pub fn generator(self, drawn: &Tensor) -> Result<Tensor> {
        match self {
            Self::Vanilla => cross_entropy(drawn, true),
            Self::Lsgan => (drawn - 1.0)?.sqr()?.mean_all(),
            Self::Hinge => drawn.mean_all()?.neg(),
        }
    }
}

/// Mean cross entropy of logits with one answer for all, in the form that
/// stays finite: `max(x, 0) − x·t + ln(1 + e^−|x|)`. (candle's own takes the
/// logarithm of a sigmoid, which is infinite on confident logits.)
fn cross_entropy(logits: &Tensor, real: bool) -> Result<Tensor> {
    let softplus = (logits.abs()?.neg()?.exp()? + 1.0)?.log()?;
    let loss = (logits.relu()? + softplus)?;
    if real { (loss - logits)?.mean_all() } else { loss.mean_all() }
}

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
