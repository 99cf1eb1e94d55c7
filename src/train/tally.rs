//! What the losses of a step, or of an epoch, came to.

use serde::{Deserialize, Serialize};

/// The losses of one step, or their means over an epoch. But for L1, a loss without a weight is not taken: it is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Losses {
    /// Mean absolute difference of drawn and target, −1..1.
    pub l1: f64,
    /// The same of their gradients.
    pub gradient: f64,
    /// The sharpness loss.
    pub sharpness: f64,
    /// The structure loss.
    pub structure: f64,
    /// The alternation loss.
    pub alternation: f64,
    /// The colour loss.
    pub colour: f64,
    /// The shift loss.
    pub shift: f64,
    /// The generator's adversarial loss; 0 while the discriminator does not play.
    pub gan: f64,
    /// Feature matching.
    pub features: f64,
    /// The discriminator's adversarial loss; 0 while it does not play.
    pub discriminator: f64,
    /// The weighted penalties on its slope.
    pub penalty: f64,
}

impl Losses {
    /// Whether every loss is a number, and the pictures, whose values span 2,
    /// are not wholly out of range.
    pub fn are_sound(&self) -> bool {
        let mut all = *self;
        all.each().into_iter().all(|loss| loss.is_finite()) && self.l1 < 10.0
    }

    fn each(&mut self) -> [&mut f64; 11] {
        let Self {
            l1,
            gradient,
            sharpness,
            structure,
            alternation,
            colour,
            shift,
            gan,
            features,
            discriminator,
            penalty,
        } = self;
        [l1, gradient, sharpness, structure, alternation, colour, shift, gan, features, discriminator, penalty]
    }

    /// Adds `other`, times `share`.
    pub(super) fn add(&mut self, other: &Self, share: f64) {
        let mut other = *other;
        for (sum, value) in self.each().into_iter().zip(other.each()) {
            *sum += *value * share;
        }
    }
}
