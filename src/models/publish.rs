//! Writing a model: weights first, then the card that names them.

use super::card::{Card, WeightFile};
use super::registry::sha256;
use candle_core::{DType, Tensor};
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a model could not be written.
#[derive(Debug, Error)]
pub enum PublishError {
    /// A name that is no file name.
    #[error("{0:?} cannot be a model's name: use letters, digits, '-' and '_'")]
    Name(String),
    /// A file could not be written.
    #[error("cannot write {file}: {source}")]
    Write {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The tensors could not be written as safetensors.
    #[error("cannot pack the weights: {0}")]
    Pack(String),
    /// The card could not be written as TOML.
    #[error("cannot write the card: {0}")]
    Card(#[from] toml::ser::Error),
}

/// A network's tensors, by name.
pub type Tensors = HashMap<String, Tensor>;

/// Writes `dir/NAME.toml` and, in `weights` beside `dir`, the tensors as f16
/// safetensors; `card`'s name, and its weight files, are filled in here.
///
/// # Errors
/// When the name is not a file name or a file cannot be written; then no card is.
pub fn publish(
    dir: &Path,
    name: &str,
    card: Card,
    generator: &Tensors,
    discriminator: Option<&Tensors>,
) -> Result<PathBuf, PublishError> {
    publish_as(DType::F16, dir, name, card, generator, discriminator)
}

/// [`publish`] with weights of another float type: f32 keeps to the last bit
/// what others trained.
///
/// # Errors
/// As [`publish`].
pub fn publish_as(
    dtype: DType,
    dir: &Path,
    name: &str,
    mut card: Card,
    generator: &Tensors,
    discriminator: Option<&Tensors>,
) -> Result<PathBuf, PublishError> {
    let sound = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(sound) {
        return Err(PublishError::Name(name.to_owned()));
    }
    std::fs::create_dir_all(dir).map_err(|source| PublishError::Write { file: dir.to_owned(), source })?;
    // All files are written before the first gets its name.
    let mut staged = Vec::new();
    let mut stage = |file: String, bytes: &[u8]| -> Result<WeightFile, PublishError> {
        staged.push(Staged::write(dir.join(&file), bytes)?);
        Ok(WeightFile { file, sha256: sha256(bytes) })
    };
    card.weights.generator = stage(format!("../weights/{name}.safetensors"), &pack(generator, dtype)?)?;
    card.weights.discriminator = discriminator
        .map(|tensors| stage(format!("../weights/{name}-discriminator.safetensors"), &pack(tensors, dtype)?))
        .transpose()?;
    // The file's name is the model's: written inside, it could only disagree.
    card.name.clear();
    stage(format!("{name}.toml"), toml::to_string_pretty(&card)?.as_bytes())?;
    staged.into_iter().try_for_each(Staged::rename)?;
    Ok(dir.join(format!("{name}.toml")))
}

/// The tensors as a safetensors file of `dtype` (whole numbers stay as they are).
///
/// # Errors
/// When a tensor cannot be read off its device.
pub fn pack(tensors: &Tensors, dtype: DType) -> Result<Vec<u8>, PublishError> {
    let failed = |error: &dyn std::fmt::Display| PublishError::Pack(error.to_string());
    let converted = tensors
        .iter()
        .map(|(name, tensor)| {
            let dtype = if tensor.dtype().is_float() { dtype } else { tensor.dtype() };
            Ok((name.clone(), tensor.to_dtype(dtype)?.contiguous()?))
        })
        .collect::<candle_core::Result<std::collections::BTreeMap<_, _>>>()
        .map_err(|error| failed(&error))?;
    safetensors::serialize(&converted, None).map_err(|error| failed(&error))
}

/// Writes beside `path`, then renames: nobody ever sees half a file. Makes the
/// folder if it is missing.
///
/// # Errors
/// When the folder or the file cannot be written.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), PublishError> {
    Staged::write(path.to_owned(), bytes)?.rename()
}

/// A file written beside its place; gone again unless it is renamed.
struct Staged {
    file: tempfile::NamedTempFile,
    path: PathBuf,
}

impl Staged {
    fn write(path: PathBuf, bytes: &[u8]) -> Result<Self, PublishError> {
        let failed = |source| PublishError::Write { file: path.clone(), source };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(failed)?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        file.write_all(bytes).map_err(failed)?;
        // Temporary files are private; a published one is for everybody.
        #[cfg(unix)]
        file.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644)).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        Ok(Self { file, path })
    }

    fn rename(self) -> Result<(), PublishError> {
        let Self { file, path } = self;
        file.persist(&path).map_err(|error| PublishError::Write { file: path, source: error.error })?;
        Ok(())
    }
}
