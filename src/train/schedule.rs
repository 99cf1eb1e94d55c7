//! How the learning rate goes over a run.

use serde::{Deserialize, Serialize};

/// A policy; each gives the share of the full rate, in 0..1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "policy", rename_all = "lowercase", deny_unknown_fields)]
pub enum Schedule {
    /// Full for `epochs`, then straight down to 0 over `epochs_decay`: the paper's.
    #[default]
    Linear,
    /// Full for `epochs`, then half a cosine down to 0 over `epochs_decay`
    /// (Loshchilov, Hutter 2017, without restarts).
    Cosine,
    /// Times `factor` after every `every` epochs.
    Step {
        /// Epochs between two falls.
        every: usize,
        /// What is left after one, 0..1.
        factor: f64,
    },
    /// Times `factor` when the validation's L1 has not become better by a
    /// ten-thousandth for more than `patience` epochs.
    Plateau {
        /// Epochs without progress that are borne.
        patience: usize,
        /// What is left then, 0..1.
        factor: f64,
    },
}

/// Progress that counts, as a share: PyTorch's threshold.
const THRESHOLD: f64 = 1e-4;

impl Schedule {
    /// The names of the policies.
    pub const NAMES: [&'static str; 4] = ["linear", "cosine", "step", "plateau"];

    /// A policy by name, with the settings of the reference implementations.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "linear" => Some(Self::Linear),
            "cosine" => Some(Self::Cosine),
            "step" => Some(Self::Step { every: 50, factor: 0.1 }),
            "plateau" => Some(Self::Plateau { patience: 5, factor: 0.2 }),
            _ => None,
        }
    }

    /// The share of the full rate after `done` epochs (with a fraction), of
    /// `epochs` at the full rate and `decay` more. `history` is the
    /// validation's L1 of every epoch done.
    pub fn share(&self, done: f64, epochs: usize, decay: usize, history: &[f64]) -> f64 {
        let over = ((done - epochs as f64) / decay.max(1) as f64).clamp(0.0, 1.0);
        match *self {
            Self::Linear => 1.0 - over,
            Self::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * over).cos()),
            Self::Step { every, factor } => factor.powi((done / every.max(1) as f64) as i32),
            Self::Plateau { patience, factor } => factor.powi(plateaus(history, patience)),
        }
    }

    /// What is wrong with it, if anything is.
    pub fn fault(&self) -> Option<&'static str> {
        match *self {
            Self::Step { every: 0, .. } => Some("schedule.every must be at least 1"),
            Self::Step { factor, .. } | Self::Plateau { factor, .. } if !(0.0..=1.0).contains(&factor) => {
                Some("schedule.factor must be in 0..1")
            }
            _ => None,
        }
    }
}

/// How often the history stood still for more than `patience` epochs.
fn plateaus(history: &[f64], patience: usize) -> i32 {
    let (mut best, mut waited, mut count) = (f64::INFINITY, 0, 0);
    for &value in history {
        if value < best * (1.0 - THRESHOLD) {
            (best, waited) = (value, 0);
        } else {
            waited += 1;
        }
        if waited > patience {
            (waited, count) = (0, count + 1);
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(schedule: Schedule) -> Vec<f64> {
        [0.0, 2.0, 3.0, 4.0, 5.0, 6.0].map(|done| schedule.share(done, 2, 4, &[])).to_vec()
    }

    #[test]
    fn each_policy_falls_in_its_own_way() {
        assert_eq!(shares(Schedule::Linear), [1.0, 1.0, 0.75, 0.5, 0.25, 0.0]);
        let cosine = shares(Schedule::Cosine);
        let quarter = (1.0 + 0.5f64.sqrt()) / 2.0;
        for (share, wanted) in cosine.iter().zip([1.0, 1.0, quarter, 0.5, 1.0 - quarter, 0.0]) {
            assert!((share - wanted).abs() < 1e-12, "{cosine:?}");
        }
        assert_eq!(shares(Schedule::Step { every: 2, factor: 0.5 }), [1.0, 0.5, 0.5, 0.25, 0.25, 0.125]);
    }

    #[test]
    fn a_plateau_is_waited_for() {
        let after = |history: &[f64]| Schedule::Plateau { patience: 2, factor: 0.1 }.share(9.0, 1, 1, history);
        assert_eq!(after(&[]), 1.0);
        assert_eq!(after(&[0.5, 0.4, 0.3, 0.2, 0.1]), 1.0);
        assert_eq!(after(&[0.5, 0.5, 0.5]), 1.0, "two epochs are borne");
        assert_eq!(after(&[0.5, 0.5, 0.49999, 0.5]), 0.1, "a hundred-thousandth is no progress");
        assert_eq!(after(&[0.5, 0.5, 0.5, 0.4, 0.5, 0.5, 0.4]), 0.1);
        assert!((after(&[0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]) - 0.01).abs() < 1e-12, "then it waits anew");
    }

    #[test]
    fn every_named_policy_is_there_and_sound() {
        for name in Schedule::NAMES {
            assert_eq!(Schedule::named(name).and_then(|schedule| schedule.fault()), None);
            assert!(Schedule::named(name).is_some(), "{name}");
        }
        assert!(Schedule::Step { every: 0, factor: 0.5 }.fault().is_some());
        assert!(Schedule::Plateau { patience: 1, factor: 1.5 }.fault().is_some());
    }
}
