//! A checkpoint's file, in either of the containers that PyTorch has had.

use super::ImportError;
use super::archive::Archive;
use super::cursor::Cursor;
use super::legacy::{self, Legacy};
use super::pickle;
use super::state_dict::StateDict;
use super::stored::Storage;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

/// What a zip begins with.
const ZIP: &[u8] = b"PK\x03\x04";
/// A unet_256 of four times the usual width is smaller.
const LARGEST_FILE: u64 = 4 << 30;

/// An open checkpoint.
pub struct Container {
    form: Form,
    /// The file's bytes.
    size: u64,
}

enum Form {
    /// From PyTorch 1.6 on.
    Zip(Archive),
    /// Before.
    Legacy(Legacy),
}

impl Container {
    /// Opens the checkpoint `path`.
    ///
    /// # Errors
    /// When PyTorch did not write it.
    pub fn open(path: &Path) -> Result<Self, ImportError> {
        let kind = |what: &str| Err(ImportError::Kind(what.into()));
        let metadata = std::fs::metadata(path)?;
        if !metadata.is_file() {
            return kind("not a file");
        }
        if metadata.len() > LARGEST_FILE {
            return kind("larger than 4 GiB, the most that is read");
        }
        let mut file = File::open(path)?;
        let mut head = Vec::new();
        Read::by_ref(&mut file).take(legacy::MAGIC.len() as u64).read_to_end(&mut head)?;
        file.rewind()?;
        let form = if head == legacy::MAGIC {
            Form::Legacy(Legacy::open(file)?)
        } else if head.starts_with(ZIP) {
            Form::Zip(Archive::open(file)?)
        } else {
            return kind("no PyTorch checkpoint: neither a zip nor PyTorch's older container");
        };
        Ok(Self { form, size: metadata.len() })
    }

    /// The names and shapes in it.
    ///
    /// # Errors
    /// When they are damaged, or it holds anything else.
    pub fn state(&mut self) -> Result<StateDict, ImportError> {
        let tensors = match &mut self.form {
            Form::Zip(archive) => {
                let pickle = archive.pickle()?;
                pickle::read(&mut Cursor::new(&pickle))?.tensors()?
            }
            Form::Legacy(legacy) => legacy.tensors(),
        };
        StateDict::of(tensors, self.size)
    }

    /// The raw numbers of a storage.
    ///
    /// # Errors
    /// When they are missing, damaged or of another length.
    pub fn storage(&mut self, storage: &Storage) -> Result<Vec<u8>, ImportError> {
        match &mut self.form {
            Form::Zip(archive) => archive.storage(&storage.key, storage.count * storage.number.size()),
            Form::Legacy(legacy) => legacy.storage(storage),
        }
    }
}
