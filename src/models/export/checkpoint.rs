//! The container: a zip with the pickle `archive/data.pkl`, and
//! `archive/data/KEY` a storage, nothing compressed.

use super::ExportError;
use super::names::Entry;
use super::pickle::{Described, state_dict};
use crate::models::publish::Tensors;
use candle_core::{DType, Error};
use std::io::{Cursor, Write};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A checkpoint of `entries`, their tensors in f32.
///
/// # Errors
/// When a tensor is missing.
pub fn write(entries: &[Entry], tensors: &Tensors) -> Result<Vec<u8>, ExportError> {
    let found = entries.iter().map(|entry| match &entry.ours {
        Some(ours) => tensors.get(ours).map(Some).ok_or_else(|| Error::Msg(format!("{ours} is missing"))),
        None => Ok(None),
    });
    let found = found.collect::<Result<Vec<_>, _>>()?;
    let described = entries.iter().zip(&found).map(|(entry, tensor)| Described {
        name: &entry.theirs,
        storage: if tensor.is_some() { "FloatStorage" } else { "LongStorage" },
        shape: tensor.map_or(&[], |tensor| tensor.dims()),
    });

    let mut archive = Archive(ZipWriter::new(Cursor::new(Vec::new())));
    archive.add("data.pkl", &state_dict(described))?;
    archive.add("byteorder", b"little")?;
    for (key, tensor) in found.iter().enumerate() {
        let bytes = match tensor {
            Some(tensor) => {
                let values: Vec<f32> = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
                values.into_iter().flat_map(f32::to_le_bytes).collect()
            }
            None => 0i64.to_le_bytes().to_vec(),
        };
        archive.add(&format!("data/{key}"), &bytes)?;
    }
    // Of the container, as PyTorch 1.6 and later write it.
    archive.add("version", b"3\n")?;
    Ok(archive.0.finish()?.into_inner())
}

struct Archive(ZipWriter<Cursor<Vec<u8>>>);

impl Archive {
    fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), ZipError> {
        // A fixed date: the same model gives the same file.
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        self.0.start_file(format!("archive/{name}"), options)?;
        Ok(self.0.write_all(bytes)?)
    }
}
