//! TensorBoard's event files: records of a length, its checksum, a protocol
//! buffer and its checksum (TensorFlow's `record_writer.h` and `event.proto`).

use crate::models::publish::{PublishError, replace};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use thiserror::Error;

/// Why events cannot be written.
#[derive(Debug, Error)]
pub enum EventError {
    /// The file cannot be listed, read or appended to.
    #[error("cannot use the events {}: {source}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file cannot be written anew.
    #[error(transparent)]
    Write(#[from] PublishError),
}

/// What begins an event file's name.
const PREFIX: &str = "events.out.tfevents.";

/// The event file of a run.
pub struct Events {
    file: PathBuf,
}

/// An event that is being put together: values at one step.
#[derive(Default)]
pub struct Summary(Vec<u8>);

impl Events {
    /// The event file in `folder`, new or as it was after `steps` steps: what
    /// a run wrote beyond its last checkpoint is cut off.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn open(folder: &Path, steps: u64) -> Result<Self, EventError> {
        if let Some(file) = existing(folder)? {
            let bytes = std::fs::read(&file).map_err(|source| EventError::File { file: file.clone(), source })?;
            let kept = up_to(&bytes, steps);
            if kept < bytes.len() {
                replace(&file, &bytes[..kept])?;
            }
            return Ok(Self { file });
        }
        let file = folder.join(format!("{PREFIX}{:010}.sakuga", now() as u64));
        let mut event = Vec::new();
        double(&mut event, 1, now());
        bytes(&mut event, 3, b"brain.Event:2");
        replace(&file, &record(&event))?;
        Ok(Self { file })
    }

    /// Appends `summary` at step `step`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append(&self, step: u64, summary: &Summary) -> Result<(), EventError> {
        let mut event = Vec::new();
        double(&mut event, 1, now());
        varint(&mut event, 2, step);
        bytes(&mut event, 5, &summary.0);
        let failed = |source| EventError::File { file: self.file.clone(), source };
        let mut file = std::fs::OpenOptions::new().append(true).open(&self.file).map_err(failed)?;
        file.write_all(&record(&event)).map_err(failed)
    }
}

impl Summary {
    /// A number named `tag`.
    pub fn scalar(&mut self, tag: &str, value: f64) {
        let mut message = Vec::new();
        bytes(&mut message, 1, tag.as_bytes());
        message.push(2 << 3 | 5);
        message.extend((value as f32).to_le_bytes());
        bytes(&mut self.0, 1, &message);
    }

    /// An RGB picture named `tag`, as a PNG.
    pub fn picture(&mut self, tag: &str, (width, height): (u32, u32), png: &[u8]) {
        let mut picture = Vec::new();
        varint(&mut picture, 1, height.into());
        varint(&mut picture, 2, width.into());
        varint(&mut picture, 3, 3); // RGB
        bytes(&mut picture, 4, png);
        let mut message = Vec::new();
        bytes(&mut message, 1, tag.as_bytes());
        bytes(&mut message, 4, &picture);
        bytes(&mut self.0, 1, &message);
    }
}

fn existing(folder: &Path) -> Result<Option<PathBuf>, EventError> {
    let failed = |source| EventError::File { file: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(PREFIX)) {
            found.push(path);
        }
    }
    Ok(found.into_iter().max())
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// Bytes of the whole records that were written up to step `steps`.
fn up_to(bytes: &[u8], steps: u64) -> usize {
    let mut at = 0;
    while let Some(header) = bytes.get(at..at + 8) {
        let length = header.iter().rev().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        let Some(end) = usize::try_from(length).ok().and_then(|length| (at + 16).checked_add(length)) else { break };
        match bytes.get(at + 12..end - 4) {
            Some(event) if end <= bytes.len() && step(event) <= steps => at = end,
            _ => break,
        }
    }
    at
}

/// The step of an event that [`Events`] wrote: it follows the wall time's nine bytes.
fn step(event: &[u8]) -> u64 {
    match event.get(9) {
        Some(&tag) if tag == 2 << 3 => {
            let digits = event[10..].iter().scan(true, |more, byte| {
                let here = *more;
                *more = byte & 0x80 != 0;
                here.then_some(byte & 0x7f)
            });
            digits.take(10).enumerate().fold(0, |sum, (i, digit)| sum | u64::from(digit) << (7 * i))
        }
        _ => 0,
    }
}

fn record(event: &[u8]) -> Vec<u8> {
    let length = (event.len() as u64).to_le_bytes();
    let mut record = length.to_vec();
    record.extend(masked(&length).to_le_bytes());
    record.extend(event);
    record.extend(masked(event).to_le_bytes());
    record
}

fn varint(message: &mut Vec<u8>, field: u8, mut value: u64) {
    message.push(field << 3);
    while value >= 0x80 {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

fn double(message: &mut Vec<u8>, field: u8, value: f64) {
    message.push(field << 3 | 1);
    message.extend(value.to_le_bytes());
}

fn bytes(message: &mut Vec<u8>, field: u8, value: &[u8]) {
    varint(message, field, value.len() as u64);
    let tag = message.len() - length_of(value.len() as u64) - 1;
    message[tag] |= 2;
    message.extend(value);
}

fn length_of(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// CRC-32C (Castagnoli), rotated and shifted as records want it.
fn masked(bytes: &[u8]) -> u32 {
    let crc = !bytes.iter().fold(!0u32, |crc, &byte| TABLE[usize::from(crc as u8 ^ byte)] ^ crc >> 8);
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let (mut crc, mut bit) = (i as u32, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
            bit += 1;
        }
        table[i] = crc;
        i += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_checksum_is_castagnolis() {
        // RFC 3720, appendix B.4: the CRC-32C of 32 zeros is 8a9136aa.
        assert_eq!(masked(&[0; 32]), 0x8a91_36aau32.rotate_right(15).wrapping_add(0xa282_ead8));
    }

    #[test]
    fn a_resumed_file_holds_no_step_twice() {
        let dir = tempfile::tempdir().unwrap();
        let write = |events: &Events, step: u64| {
            let mut summary = Summary::default();
            summary.scalar("l1", step as f64 / 1000.0);
            events.append(step, &summary).unwrap();
        };
        let file = |events: &Events| std::fs::read(&events.file).unwrap();
        let events = Events::open(dir.path(), 0).unwrap();
        write(&events, 100);
        let kept = file(&events);
        write(&events, 20_000);
        let all = file(&events);
        assert_eq!(file(&Events::open(dir.path(), 20_000).unwrap()), all);
        // Half a record, as a full disk or a kill leaves it.
        std::fs::write(&events.file, &all[..all.len() - 3]).unwrap();
        assert_eq!(file(&Events::open(dir.path(), 20_000).unwrap()), kept);
        assert_eq!(file(&Events::open(dir.path(), 19_999).unwrap()), kept);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
