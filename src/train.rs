//! Data, losses, the training loop, checkpoints, evaluation.

pub mod adam;
pub mod augment;
pub mod checkpoint;
pub mod curves;
pub mod dataset;
pub mod evaluate;
pub mod events;
mod held_out;
mod judge;
pub mod loader;
pub mod losses;
pub mod metrics;
pub mod pool;
pub mod pytorch_options;
pub mod ranking;
pub mod recipe;
mod report;
pub mod rng;
pub mod run;
pub mod samples;
pub mod schedule;
pub mod styles;
pub mod tally;
pub mod trainer;
