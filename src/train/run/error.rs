//! Why a run stops.

use crate::models::publish::PublishError;
use crate::train::checkpoint::CheckpointError;
use crate::train::dataset::DataError;
use crate::train::events::EventError;
use std::path::PathBuf;
use thiserror::Error;

/// Why a run stopped.
#[derive(Debug, Error)]
pub enum RunError {
    /// The settings make no sense.
    #[error("the settings cannot be used: {0}")]
    Settings(String),
    /// The folder already holds a run.
    #[error("{0} already holds a run: go on with --resume {0}, or choose another --out")]
    Exists(PathBuf),
    /// The folder holds no run.
    #[error("{folder} holds no run that could go on: {reason}")]
    NoRun {
        /// The folder.
        folder: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// The data cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The device failed, or sizes do not fit.
    #[error("training failed: {0}")]
    Device(#[from] candle_core::Error),
    /// A checkpoint cannot be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] PublishError),
    /// TensorBoard's events cannot be written.
    #[error(transparent)]
    Events(#[from] EventError),
    /// A file cannot be read or appended to.
    #[error("cannot use {file}: {source}")]
    File {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A loss is no longer a number, or the pictures are out of all range.
    #[error(
        "training diverged at step {step} (epoch {epoch}): a loss is not a number or far out of range, after {rollbacks} returns to the \
         last checkpoint at half the rate each. Lower rate, or the loss weights, in {run}/recipe.toml, and go on with --resume {run}"
    )]
    Diverged {
        /// The step.
        step: u64,
        /// The epoch, from 1.
        epoch: usize,
        /// Returns to the last checkpoint before.
        rollbacks: u32,
        /// The run's folder.
        run: PathBuf,
    },
    /// The weights to start from hold something that is no number.
    #[error("the weights that the run would start from hold values that are not finite numbers: give it others")]
    Unsound,
}
