//! A weight file, read once and in pieces: they are tensors and part of the file's SHA-256 before they leave the caches.
//!
//! So a large network's file, which takes a fifth of a second to hash, is never in memory beside its tensors, nor
//! waited for twice.

use super::publish::Tensors;
use super::registry::hex;
use candle_core::{Device, Result, Tensor, WithDType, bail};
use half::{bf16, f16};
use safetensors::Dtype;
use safetensors::tensor::Metadata;
use sha2::{Digest, Sha256};
use std::io::{self, Read};
use std::sync::mpsc::{SyncSender, sync_channel};

/// Bytes that are read, hashed and converted at a time.
const PIECE: usize = 256 << 10;
/// Pieces that may wait for the hash.
const WAITING: usize = 16;
/// The longest header that safetensors itself reads.
const MAX_HEADER: u64 = 100_000_000;

/// The tensors of a safetensors file, on `device`, and the file's SHA-256 in hexadecimal, which is right whether or not
/// there are tensors. `length` is how many bytes it is said to have; a pipe's are 0.
///
/// # Errors
/// When the file cannot be read; of the tensors, when it is not what its header says.
pub(super) fn read(file: impl Read, length: u64, device: &Device) -> io::Result<(String, Result<Tensors>)> {
    let (pieces, hashed) = sync_channel::<Vec<u8>>(WAITING);
    // The tensors are made here: a device's work belongs to the thread that starts it.
    std::thread::scope(|scope| {
        let hash = scope.spawn(move || {
            let mut hash = Sha256::new();
            hashed.into_iter().for_each(|piece| hash.update(piece));
            hex(&hash.finalize())
        });
        let mut file = Tee { file, pieces };
        let tensors = tensors(&mut file, length, device);
        io::copy(&mut file, &mut io::sink())?;
        drop(file);
        let hash = hash.join().map_err(|_| io::Error::other("its SHA-256 could not be computed"))?;
        Ok((hash, tensors))
    })
}

/// A file whose bytes are sent on as they are read.
struct Tee<R> {
    file: R,
    pieces: SyncSender<Vec<u8>>,
}

impl<R: Read> Read for Tee<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.pieces
            .send(buffer[..count].to_vec())
            .map_err(|_| io::Error::other("its SHA-256 could not be computed"))?;
        Ok(count)
    }
}

fn tensors(file: &mut impl Read, length: u64, device: &Device) -> Result<Tensors> {
    let mut header = [0; 8];
    file.read_exact(&mut header)?;
    let header = u64::from_le_bytes(header);
    if header > MAX_HEADER {
        bail!("its header is of {header} bytes");
    }
    let mut text = Vec::new();
    file.take(header).read_to_end(&mut text)?;
    let header: Metadata = serde_json::from_slice(&text).map_err(candle_core::Error::wrap)?;
    let mut tensors = Tensors::new();
    for name in header.offset_keys() {
        let Some(info) = header.info(&name) else { continue };
        let (shape, most) = (info.shape.as_slice(), length as usize);
        let tensor = match info.dtype {
            Dtype::F32 => tensor(file, (shape, most), f32::from_le_bytes, device),
            Dtype::F16 => tensor(file, (shape, most), f16::from_le_bytes, device),
            Dtype::BF16 => tensor(file, (shape, most), bf16::from_le_bytes, device),
            Dtype::F64 => tensor(file, (shape, most), f64::from_le_bytes, device),
            // Whole numbers count: a norm's batches.
            Dtype::I64 => tensor(file, (shape, most), i64::from_le_bytes, device),
            Dtype::U32 => tensor(file, (shape, most), u32::from_le_bytes, device),
            Dtype::U8 => tensor(file, (shape, most), u8::from_le_bytes, device),
            other => bail!("{name} is of the type {other}"),
        };
        tensors.insert(name, tensor?);
    }
    if file.read(&mut [0])? > 0 {
        bail!("it is longer than its header says");
    }
    Ok(tensors)
}

/// The next tensor of the file; memory is set apart for `most` bytes of it, and for more as they come: a header may
/// promise what is not there.
fn tensor<T: WithDType, const BYTES: usize>(
    file: &mut impl Read,
    (shape, most): (&[usize], usize),
    number: fn([u8; BYTES]) -> T,
    device: &Device,
) -> Result<Tensor> {
    let count = shape.iter().product::<usize>();
    let mut values = Vec::with_capacity(count.min(most / BYTES));
    let mut piece = vec![0; count.saturating_mul(BYTES).min(PIECE)];
    while values.len() < count {
        let bytes = &mut piece[..(count - values.len()).saturating_mul(BYTES).min(PIECE)];
        file.read_exact(bytes)?;
        values.extend(bytes.as_chunks().0.iter().copied().map(number));
    }
    Tensor::from_vec(values, shape, device)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::models::publish::pack;
    use crate::models::registry::sha256;
    use candle_core::DType;

    fn of(bytes: &[u8]) -> (String, Result<Tensors>) {
        read(bytes, bytes.len() as u64, &Device::Cpu).unwrap()
    }

    /// Larger than a piece, of none, and of whole numbers.
    fn some() -> Tensors {
        let device = Device::Cpu;
        let large = Tensor::arange(0f32, (PIECE / 2 + 3) as f32, &device).unwrap();
        let count = Tensor::new(7i64, &device).unwrap();
        let none = Tensor::zeros((0, 3), DType::F32, &device).unwrap();
        [("large", large), ("count", count), ("none", none)].map(|(name, tensor)| (name.to_owned(), tensor)).into()
    }

    #[test]
    fn tensors_are_those_that_candle_reads() {
        for dtype in [DType::F32, DType::F16, DType::BF16, DType::F64] {
            let bytes = pack(&some(), dtype).unwrap();
            let expected = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap();
            let (hash, tensors) = of(&bytes);
            let tensors = tensors.unwrap();
            assert_eq!(hash, sha256(&bytes));
            assert_eq!(tensors.len(), expected.len());
            for (name, tensor) in expected {
                let read = &tensors[&name];
                assert_eq!((read.dtype(), read.dims()), (tensor.dtype(), tensor.dims()), "{name}");
                let values = |tensor: &Tensor| tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>();
                assert_eq!(values(read).unwrap(), values(&tensor).unwrap(), "{name}");
            }
        }
    }

    #[test]
    fn a_pipe_says_nothing_of_its_length() {
        let bytes = pack(&some(), DType::F16).unwrap();
        let (hash, tensors) = read(&bytes[..], 0, &Device::Cpu).unwrap();
        assert_eq!((hash, tensors.unwrap().len()), (sha256(&bytes), some().len()));
    }

    #[test]
    fn damage_is_told_and_the_hash_is_the_files() {
        let whole = pack(&some(), DType::F32).unwrap();
        let mut long = whole.clone();
        long.push(0);
        let mut header = whole.clone();
        header[..8].fill(0xFF);
        let mut text = whole.clone();
        text[8] = b'!';
        for bytes in [&long, &header, &text, &whole[..whole.len() - 1], &whole[..40], &whole[..7], &[]] {
            let (hash, tensors) = of(bytes);
            assert_eq!(hash, sha256(bytes));
            assert!(tensors.is_err(), "{} bytes", bytes.len());
        }
        // A file that shrinks while it is read.
        let (_, tensors) = read(&whole[..whole.len() - 1], whole.len() as u64, &Device::Cpu).unwrap();
        assert!(tensors.is_err());
    }

    #[test]
    fn a_header_cannot_take_memory_for_what_is_not_there() {
        let text = br#"{"a":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}}"#;
        let bytes = [&(text.len() as u64).to_le_bytes(), &text[..]].concat();
        assert!(of(&bytes).1.is_err());
    }
}
