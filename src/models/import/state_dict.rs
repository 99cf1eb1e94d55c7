//! A state dict: tensors by the names of the modules they belong to.

use super::container::Container;
use super::stored::StoredTensor;
use super::{ImportError, quoted};
use candle_core::{Device, Tensor};
use std::collections::BTreeMap;

/// What wrappers put before every name: `DataParallel` and `torch.compile`.
const WRAPPERS: [&str; 2] = ["module.", "_orig_mod."];

/// The tensors by name, not yet read.
pub struct StateDict(BTreeMap<String, StoredTensor>);

impl StateDict {
    /// The state dict of these tensors out of a file of `size` bytes, without
    /// the wrappers' prefixes.
    ///
    /// # Errors
    /// When there is none, a name comes twice, or they are larger than the file.
    pub fn of(tensors: Vec<(String, StoredTensor)>, size: u64) -> Result<Self, ImportError> {
        if tensors.is_empty() {
            return Err(ImportError::NoStateDict("it is empty".into()));
        }
        // Tensors may share a storage: without a bound a small file could
        // hold the same numbers a million times.
        let bytes = tensors.iter().try_fold(0usize, |sum, (_, tensor)| {
            sum.checked_add(tensor.count().checked_mul(tensor.storage.number.size())?)
        });
        if bytes.is_none_or(|bytes| bytes as u64 > size) {
            return Err(ImportError::Damaged("its tensors are larger than the file".into()));
        }
        let mut state = BTreeMap::new();
        for (name, tensor) in tensors {
            let mut bare = name.as_str();
            while let Some(rest) = WRAPPERS.iter().find_map(|prefix| bare.strip_prefix(prefix)) {
                bare = rest;
            }
            if state.insert(bare.to_owned(), tensor).is_some() {
                return Err(ImportError::Damaged(format!("it has {} twice", quoted(bare))));
            }
        }
        Ok(Self(state))
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether there is a tensor of that name.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The shape of the tensor of that name.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.0.get(name).map(|tensor| tensor.shape.as_slice())
    }

    /// Reads the tensor of that name, as f32.
    ///
    /// # Errors
    /// When it is not there, its numbers are damaged, no floats or not finite.
    pub fn load(&self, name: &str, container: &mut Container) -> Result<Tensor, ImportError> {
        let failed = |what: &str| ImportError::Damaged(format!("{} {what}", quoted(name)));
        let tensor = self.0.get(name).ok_or_else(|| failed("is missing"))?;
        let bytes = container.storage(&tensor.storage)?;
        let floats = tensor.floats(&bytes).ok_or_else(|| failed("holds whole numbers"))?;
        if !floats.iter().all(|value| value.is_finite()) {
            return Err(failed("holds values that are not finite"));
        }
        Tensor::from_vec(floats, tensor.shape.as_slice(), &Device::Cpu).map_err(|error| failed(&error.to_string()))
    }
}
