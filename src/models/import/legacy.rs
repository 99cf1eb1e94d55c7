//! The container before PyTorch 1.6: pickles one after another (a magic number,
//! a version, the machine, the state dict, the storages' keys), then each
//! storage's length and raw numbers.

use super::ImportError;
use super::archive::LARGEST_PICKLE;
use super::cursor::{Cursor, damaged};
use super::pickle;
use super::stored::{Storage, StoredTensor};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// What it begins with: a pickle of its magic number.
pub const MAGIC: &[u8] = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";
/// The only version there has been.
const VERSION: i64 = 1001;

/// An open file.
pub struct Legacy {
    file: File,
    tensors: Vec<(String, StoredTensor)>,
    /// Where each storage's numbers begin.
    places: HashMap<String, u64>,
}

impl Legacy {
    /// Reads all but the numbers.
    ///
    /// # Errors
    /// When it is damaged, from a big-endian machine or of something else than a state dict.
    pub fn open(mut file: File) -> Result<Self, ImportError> {
        let mut head = Vec::new();
        Read::by_ref(&mut file).take(LARGEST_PICKLE).read_to_end(&mut head)?;
        let mut rest = Cursor::new(&head);
        rest.take(MAGIC.len())?;
        if pickle::read(&mut rest)?.int() != Some(VERSION) {
            return Err(ImportError::Kind("of no version of PyTorch's older container that is known".into()));
        }
        if pickle::read(&mut rest)?.flag("little_endian") != Some(true) {
            return Err(ImportError::Kind("from a big-endian machine; save it again on a little-endian one".into()));
        }
        let tensors = pickle::read(&mut rest)?.tensors()?;
        let Some(keys) = pickle::read(&mut rest)?.texts() else { return damaged("has no list of storages") };
        let mut storages: HashMap<&str, &Storage> = HashMap::new();
        for (_, StoredTensor { storage, .. }) in &tensors {
            if *storages.entry(&storage.key).or_insert(storage) != storage {
                return damaged("has a storage of two forms");
            }
        }

        let (mut place, end) = ((head.len() - rest.left()) as u64, file.metadata()?.len());
        let mut places = HashMap::new();
        for key in keys {
            let Some(storage) = storages.get(key.as_str()) else { return damaged("has a storage of no tensor") };
            let mut count = [0; 8];
            file.seek(SeekFrom::Start(place))?;
            file.read_exact(&mut count).map_err(|_| ends(&key))?;
            if u64::from_le_bytes(count) != storage.count as u64 {
                return damaged("and its numbers disagree on a storage's length");
            }
            place += 8;
            places.insert(key.clone(), place);
            // `count · size` does not overflow: the pickle's reader has checked it.
            let bytes = (storage.count * storage.number.size()) as u64;
            place = place.checked_add(bytes).filter(|place| *place <= end).ok_or_else(|| ends(&key))?;
        }
        Ok(Self { file, tensors, places })
    }

    /// The tensors by name, in their order.
    pub fn tensors(&self) -> Vec<(String, StoredTensor)> {
        self.tensors.clone()
    }

    /// The raw numbers of a storage.
    ///
    /// # Errors
    /// When they are missing.
    pub fn storage(&mut self, storage: &Storage) -> Result<Vec<u8>, ImportError> {
        let Some(place) = self.places.get(&storage.key) else { return Err(ends(&storage.key)) };
        let mut bytes = vec![0; storage.count * storage.number.size()];
        self.file.seek(SeekFrom::Start(*place))?;
        self.file.read_exact(&mut bytes).map_err(|_| ends(&storage.key))?;
        Ok(bytes)
    }
}

fn ends(key: &str) -> ImportError {
    ImportError::Damaged(format!("it ends before the numbers of the storage {}", super::quoted(key)))
}
