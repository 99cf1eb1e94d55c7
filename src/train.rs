//! Data, losses, the training loop, checkpoints, evaluation.

pub mod adam;
pub mod losses;
