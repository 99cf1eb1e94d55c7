//! What a step is measured by: functions of pictures `(N, 3, H, W)` in −1..1
//! and of a discriminator's answers, each a scalar tensor to differentiate.

mod adversarial;
mod alternation;
mod features;
mod grey;
mod likeness;
mod penalty;
#[cfg(test)]
mod pictures;
mod sharpness;
mod shift;
mod structure;

pub use adversarial::GanLoss;
pub use alternation::alternation;
pub use features::feature_matching;
pub use likeness::{colour, gradient_l1, l1};
pub use penalty::{Penalty, gradient_penalty, r1, slope_penalty};
pub use sharpness::sharpness;
pub use shift::{Window, shift};
pub use structure::structure;
