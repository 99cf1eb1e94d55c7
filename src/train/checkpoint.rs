//! Checkpoints: one safetensors file an epoch, written beside and renamed,
//! with a checksum of all it holds.

use super::trainer::State;
use crate::models::publish::{PublishError, Tensors, replace};
use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The metadata key that holds [`Progress`].
const KEY: &str = "progress";

/// The metadata key that holds the [`checksum`].
const CHECKSUM: &str = "sha256";

/// The copy of the best epoch's checkpoint.
const BEST: &str = "best.safetensors";

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
    #[error("the checkpoint {file} cannot be used: {reason}; remove it to go on from the one before")]
    Read {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The folder cannot be listed or changed.
    #[error("cannot use {folder}: {source}")]
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
    /// The epoch's line of `metrics.jsonl`, should the run stop before it is written there.
    pub row: String,
    /// Returns to a checkpoint so far.
    #[serde(default)]
    pub rollbacks: u32,
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

    /// Writes the state after an epoch, as the best one too if it is, then
    /// removes all but the last `keep`.
    ///
    /// # Errors
    /// When it cannot be written; then the earlier ones are all there.
    pub fn save(&self, tensors: Tensors, progress: &Progress, keep: usize, best: bool) -> Result<(), CheckpointError> {
        let failed = |error: &dyn std::fmt::Display| CheckpointError::Pack(error.to_string());
        let text = serde_json::to_string(progress).map_err(|error| failed(&error))?;
        let tensors: BTreeMap<_, _> = tensors.into_iter().collect();
        let sum = checksum(&text, &tensors).map_err(|error| failed(&error))?;
        let metadata = HashMap::from([(KEY.to_owned(), text), (CHECKSUM.to_owned(), sum)]);
        let bytes = safetensors::serialize(&tensors, Some(metadata)).map_err(|error| failed(&error))?;
        let path = self.folder.join(format!("epoch-{:04}.safetensors", progress.epochs));
        replace(&path, &bytes)?;
        if best {
            replace(&self.folder.join(BEST), &bytes)?;
        }
        let all = self.list()?;
        for old in all.iter().rev().skip(keep) {
            // An old checkpoint that stays is no harm.
            let _ = std::fs::remove_file(old);
        }
        Ok(())
    }

    /// The file of the best epoch's checkpoint, if there is one.
    pub fn best(&self) -> Option<PathBuf> {
        Some(self.folder.join(BEST)).filter(|file| file.is_file())
    }

    /// Removes what a kill left half written.
    ///
    /// # Errors
    /// When the folder cannot be listed or changed.
    pub fn tidy(&self) -> Result<(), CheckpointError> {
        for path in self.files()? {
            if named(&path).starts_with(".tmp") {
                std::fs::remove_file(&path)
                    .map_err(|source| CheckpointError::List { folder: self.folder.clone(), source })?;
            }
        }
        Ok(())
    }

    /// The files there are, oldest first.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn list(&self) -> Result<Vec<PathBuf>, CheckpointError> {
        let mut files = self.files()?;
        files.retain(|path| named(path).starts_with("epoch-") && named(path).ends_with(".safetensors"));
        files.sort();
        Ok(files)
    }

    fn files(&self) -> Result<Vec<PathBuf>, CheckpointError> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        let failed = |source| CheckpointError::List { folder: self.folder.clone(), source };
        let entries = std::fs::read_dir(&self.folder).map_err(failed)?;
        entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect()
    }

    /// The newest checkpoint, if there is one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn latest(&self, device: &Device) -> Result<Option<(Tensors, Progress)>, CheckpointError> {
        self.list()?.pop().map(|file| read(&file, device)).transpose()
    }
}

/// SHA-256 over the progress and every tensor's name and bytes, in the order of the names.
fn checksum(progress: &str, tensors: &BTreeMap<String, Tensor>) -> candle_core::Result<String> {
    let mut hash = Sha256::new().chain_update(progress);
    for (name, tensor) in tensors {
        let values = tensor.flatten_all()?.to_dtype(DType::F32)?.to_vec1::<f32>()?;
        hash.update(name);
        values.iter().for_each(|value| hash.update(value.to_le_bytes()));
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The tensors and the progress of a checkpoint's file.
///
/// # Errors
/// When it cannot be read, or is not as it was written.
pub fn read(file: &Path, device: &Device) -> Result<(Tensors, Progress), CheckpointError> {
    let failed =
        |error: &dyn std::fmt::Display| CheckpointError::Read { file: file.to_owned(), reason: error.to_string() };
    let bytes = std::fs::read(file).map_err(|error| failed(&error))?;
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).map_err(|error| failed(&error))?;
    let metadata = metadata.metadata().clone().unwrap_or_default();
    let text = metadata.get(KEY).ok_or_else(|| failed(&"it holds no progress"))?;
    let progress = serde_json::from_str(text).map_err(|error| failed(&error))?;
    let tensors = candle_core::safetensors::load_buffer(&bytes, device).map_err(|error| failed(&error))?;
    let tensors: BTreeMap<_, _> = tensors.into_iter().collect();
    // Those of before 0.2 have none.
    if let Some(sum) = metadata.get(CHECKSUM) {
        let found = checksum(text, &tensors).map_err(|error| failed(&error))?;
        if &found != sum {
            return Err(failed(&"its content does not match its checksum: the disk, or a copy, has changed it"));
        }
    }
    Ok((tensors.into_iter().collect(), progress))
}

fn named(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}
