//! The container: a zip with `NAME/data.pkl`, and `NAME/data/KEY` a storage.
//! PyTorch stores without compression, so that no entry can be larger than the
//! file.

use super::ImportError;
use std::fs::File;
use std::io::{BufReader, Read};
use zip::ZipArchive;
use zip::read::{ArchiveOffset, Config};
use zip::result::ZipError;

/// A hundred times what a generator's pickle takes; bounds what reading it takes.
pub const LARGEST_PICKLE: u64 = 1 << 20;

/// An open zip.
pub struct Archive {
    zip: ZipArchive<BufReader<File>>,
    /// The folder inside that all else lies in.
    folder: String,
}

impl Archive {
    /// Opens the checkpoint `file`.
    ///
    /// # Errors
    /// When it is not a zip that PyTorch wrote.
    pub fn open(file: File) -> Result<Self, ImportError> {
        let kind = |what: &str| Err(ImportError::Kind(what.into()));
        // PyTorch puts nothing before the archive. Looking for something there, as is the
        // default, takes its ZIP64 records for a part of the directory where the first
        // entry's header is as long as they are: where the checkpoint's name has 21 letters.
        let from_the_start = Config { archive_offset: ArchiveOffset::Known(0) };
        let zip = ZipArchive::with_config(from_the_start, BufReader::new(file)).map_err(damaged)?;
        let names: Vec<&str> = zip.file_names_raw().filter_map(|name| std::str::from_utf8(name).ok()).collect();
        if names.iter().any(|name| name.ends_with("/constants.pkl")) {
            return kind(
                "a TorchScript program, not weights; save the weights alone: torch.save(net.state_dict(), FILE)",
            );
        }
        // `folder/data.pkl`, not deeper.
        let folder = names.iter().find_map(|name| name.strip_suffix("/data.pkl").filter(|top| !top.contains('/')));
        match folder.map(str::to_owned) {
            Some(folder) => Ok(Self { zip, folder }),
            None => kind("a zip, but no PyTorch checkpoint: no data.pkl in it"),
        }
    }

    /// The pickle; checks the numbers' byte order as well.
    ///
    /// # Errors
    /// When it is damaged, too large or from a big-endian machine.
    pub fn pickle(&mut self) -> Result<Vec<u8>, ImportError> {
        let byteorder = format!("{}/byteorder", self.folder);
        if self.zip.index_for_name(&byteorder).is_some() && self.entry(&byteorder, 16)? != b"little" {
            return Err(ImportError::Kind("from a big-endian machine; save it again on a little-endian one".into()));
        }
        let name = format!("{}/data.pkl", self.folder);
        self.entry(&name, LARGEST_PICKLE)
    }

    /// The raw numbers of the storage `key`, `bytes` long.
    ///
    /// # Errors
    /// When it is missing, damaged or of another length.
    pub fn storage(&mut self, key: &str, bytes: usize) -> Result<Vec<u8>, ImportError> {
        let name = format!("{}/data/{key}", self.folder);
        let data = self.entry(&name, bytes as u64)?;
        if data.len() != bytes {
            return Err(ImportError::Damaged(format!("{name:?} has {} bytes instead of {bytes}", data.len())));
        }
        Ok(data)
    }

    /// An entry's bytes, at most `limit`; zip compares their checksum.
    fn entry(&mut self, name: &str, limit: u64) -> Result<Vec<u8>, ImportError> {
        let failed = |reason: String| ImportError::Damaged(format!("{name:?} in it: {reason}"));
        let mut entry = self.zip.by_name(name).map_err(|error| failed(error.to_string()))?;
        if entry.size() > limit {
            return Err(failed(format!("{} bytes, more than {limit}", entry.size())));
        }
        let mut data = Vec::new();
        // One byte more than allowed: an entry that lies about its size is
        // found, and the checksum is compared at the end of the rest.
        Read::by_ref(&mut entry).take(limit + 1).read_to_end(&mut data).map_err(|error| failed(error.to_string()))?;
        if data.len() as u64 > limit {
            return Err(failed(format!("more than {limit} bytes")));
        }
        Ok(data)
    }
}

fn damaged(error: ZipError) -> ImportError {
    match error {
        ZipError::Io(error) => ImportError::Damaged(error.to_string()),
        error => ImportError::Damaged(format!("the zip is not whole ({error})")),
    }
}
