//! Data, losses, the training loop, checkpoints, evaluation.

pub mod adam;
pub mod augment;
pub mod checkpoint;
pub mod curves;
pub mod dataset;
pub mod evaluate;
mod held_out;
pub mod loader;
pub mod losses;
pub mod metrics;
pub mod pytorch_options;
pub mod recipe;
pub mod rng;
pub mod run;
pub mod samples;
pub mod styles;
pub mod trainer;
