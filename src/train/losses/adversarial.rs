//! How a discriminator's logits become a loss.

use candle_core::{Result, Tensor};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// See the module.
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
    /// Wasserstein, the critic's parameters kept small (Arjovsky et al. 2017).
    Wgan,
    /// Wasserstein, the critic's slope kept near 1 (Gulrajani et al. 2017).
    #[serde(rename = "wgan-gp")]
    WganGp,
}

impl GanLoss {
    /// Whether there is a label for "real" that could be smoothed.
    pub fn has_labels(self) -> bool {
        matches!(self, Self::Vanilla | Self::Lsgan)
    }

    /// The discriminator's loss on its logits for real and for drawn pictures:
    /// half the sum of the two, so that it learns at half the speed of the
    /// generator (Isola et al. 2017, §3.3).
    ///
    /// The label of a real picture is 1 − `smoothing` (Salimans et al. 2016,
    /// §3.4, one-sided), where the loss [has labels](Self::has_labels).
    ///
    /// # Errors
    /// Those of candle.
    pub fn discriminator(self, real: &Tensor, drawn: &Tensor, smoothing: f64) -> Result<Tensor> {
        let label = 1.0 - smoothing;
        let sum = match self {
            Self::Vanilla => (cross_entropy(real, label)? + cross_entropy(drawn, 0.0)?)?,
            Self::Lsgan => ((real - label)?.sqr()?.mean_all()? + drawn.sqr()?.mean_all()?)?,
            Self::Hinge => ((1.0 - real)?.relu()?.mean_all()? + (drawn + 1.0)?.relu()?.mean_all()?)?,
            Self::Wgan | Self::WganGp => (drawn.mean_all()? - real.mean_all()?)?,
        };
        sum * 0.5
    }

    /// The generator's loss on the discriminator's logits for drawn pictures.
    ///
    /// # Errors
    /// Those of candle.
    pub fn generator(self, drawn: &Tensor) -> Result<Tensor> {
        match self {
            Self::Vanilla => cross_entropy(drawn, 1.0),
            Self::Lsgan => (drawn - 1.0)?.sqr()?.mean_all(),
            Self::Hinge | Self::Wgan | Self::WganGp => drawn.mean_all()?.neg(),
        }
    }
}

/// Mean cross entropy of logits with one `label` in 0..1 for all, in the form
/// that stays finite: `max(x, 0) − x·t + ln(1 + e^−|x|)`. (candle's own takes
/// the logarithm of a sigmoid, which is infinite on confident logits.)
fn cross_entropy(logits: &Tensor, label: f64) -> Result<Tensor> {
    let softplus = (logits.abs()?.neg()?.exp()? + 1.0)?.log()?;
    let loss = (logits.relu()? + softplus)?;
    if label == 0.0 { loss.mean_all() } else { (loss - (logits * label)?)?.mean_all() }
}
