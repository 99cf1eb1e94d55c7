//! Data, losses, the training loop, checkpoints, evaluation.

pub mod adam;
pub mod augment;
pub mod dataset;
pub mod loader;
pub mod losses;
pub mod metrics;
pub mod rng;
