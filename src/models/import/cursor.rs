//! Numbers and lines off the front of a pickle.

use super::ImportError;

/// What of a pickle is yet to be read.
pub struct Cursor<'a>(&'a [u8]);

/// The answer to a pickle that contradicts itself.
pub fn damaged<T>(what: &str) -> Result<T, ImportError> {
    Err(ImportError::Damaged(format!("its pickle {what}")))
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.0.len()
    }

    /// The next `length` bytes.
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], ImportError> {
        match self.0.split_at_checked(length) {
            Some((taken, rest)) => {
                self.0 = rest;
                Ok(taken)
            }
            None => damaged("ends too early"),
        }
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], ImportError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub fn u8(&mut self) -> Result<u8, ImportError> {
        Ok(self.array::<1>()?[0])
    }

    /// A whole number of so many bytes, at most eight. (A negative one of fewer
    /// comes out positive: a state dict's sizes have no sign.)
    pub fn int(&mut self, length: usize) -> Result<i64, ImportError> {
        let bytes = self.take(length)?;
        let mut wide = [0; 8];
        match wide.get_mut(..length) {
            Some(low) => low.copy_from_slice(bytes),
            None => return damaged("has a number of more than 64 bits"),
        }
        Ok(i64::from_le_bytes(wide))
    }

    /// Text up to the end of a line.
    pub fn line(&mut self) -> Result<&'a str, ImportError> {
        let Some(length) = self.0.iter().position(|byte| *byte == b'\n') else { return damaged("ends too early") };
        let line = self.take(length)?;
        self.take(1)?;
        std::str::from_utf8(line).or_else(|_| damaged("has a name that is not UTF-8"))
    }
}
