//! Checkpoints: one safetensors file an epoch, written beside and renamed.

use super::trainer::{State, Trainer};
use crate::models::publish::{PublishError, Tensors, replace};
use candle_core::Device;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Checkpoints that a run keeps.
const KEPT: usize = 3;

/// The metadata key that holds [`Progress`].
const KEY: &str = "progress";

/// Why a checkpoint could not be written or read.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] PublishError),
    /// It could not be packed.
    #[error("cannot pack the checkpoint: {0}")]
    Pack(String),
    /// It cannot be read, or does not fit the settings.
    #[error("the checkpoint {file} cannot be used: {reason}")]
    Read {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The folder cannot be listed.
    #[error("cannot list {folder}: {source}")]
    List {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What a checkpoint says besides its tensors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Epochs done.
    pub epochs: usize,
    /// The trainer's counters.
    pub state: State,
    /// The epoch's row of `metrics.jsonl`, should the run stop before it is written there.
    pub row: serde_json::Value,
}

/// The checkpoints of a run.
pub struct Checkpoints {
    folder: PathBuf,
}

impl Checkpoints {
    /// Those under `run/checkpoints`.
    pub fn of(run: &Path) -> Self {
        Self { folder: run.join("checkpoints") }
    }

    /// Writes the state after an epoch, then removes all but the last few.
    ///
    /// # Errors
    /// When it cannot be written; then the earlier ones are all there.
    pub fn save(&self, trainer: &Trainer, epochs: usize, row: &serde_json::Value) -> Result<PathBuf, CheckpointError> {
        let failed = |error: &dyn std::fmt::Display| CheckpointError::Pack(error.to_string());
        let (tensors, state) = trainer.state();
        let progress = Progress { epochs, state, row: row.clone() };
        let text = serde_json::to_string(&progress).map_err(|error| failed(&error))?;
        let tensors: BTreeMap<_, _> = tensors.into_iter().collect();
        let bytes = safetensors::serialize(&tensors, Some(HashMap::from([(KEY.to_owned(), text)])))
            .map_err(|error| failed(&error))?;
        let path = self.folder.join(format!("epoch-{epochs:04}.safetensors"));
        replace(&path, &bytes)?;
        let all = self.list()?;
        for old in all.iter().rev().skip(KEPT) {
            // An old checkpoint that stays is no harm.
            let _ = std::fs::remove_file(old);
        }
        Ok(path)
    }

    /// The files there are, oldest first.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn list(&self) -> Result<Vec<PathBuf>, CheckpointError> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        let failed = |source| CheckpointError::List { folder: self.folder.clone(), source };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let named = path.file_name().and_then(|name| name.to_str());
            if named.is_some_and(|name| name.starts_with("epoch-") && name.ends_with(".safetensors")) {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    /// The newest checkpoint, if there is one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn latest(&self, device: &Device) -> Result<Option<(Tensors, Progress)>, CheckpointError> {
        self.list()?.pop().map(|file| read(&file, device)).transpose()
    }
}

fn read(file: &Path, device: &Device) -> Result<(Tensors, Progress), CheckpointError> {
    let failed =
        |error: &dyn std::fmt::Display| CheckpointError::Read { file: file.to_owned(), reason: error.to_string() };
    let bytes = std::fs::read(file).map_err(|error| failed(&error))?;
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).map_err(|error| failed(&error))?;
    let text = metadata.metadata().as_ref().and_then(|map| map.get(KEY));
    let progress = serde_json::from_str(text.ok_or_else(|| failed(&"it holds no progress"))?);
    let tensors = candle_core::safetensors::load_buffer(&bytes, device).map_err(|error| failed(&error))?;
    Ok((tensors, progress.map_err(|error| failed(&error))?))
}
