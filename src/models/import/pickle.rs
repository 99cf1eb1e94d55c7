//! A reader of the pickles (protocol 2) that `torch.save` writes of state dicts.
//!
//! A pickle is a program for a small stack machine, and its GLOBAL and REDUCE
//! call what they please. This machine has no such call: it knows the objects
//! of [`Global`] and builds plain data of them; any other name ends the import.
//!
//! Values live in one list and name each other by their place in it, so that
//! nothing is copied when the memo repeats it and nothing recurses, however
//! deep a pickle nests: its cost is linear in its length.

mod machine;

use self::machine::Machine;
use super::cursor::Cursor;
use super::stored::{Number, Storage, StoredTensor};
use super::{ImportError, quoted};

/// Limits of what is copied out of a pickle.
const MOST_DIMENSIONS: usize = 8;
const LONGEST_KEY: usize = 64;

/// All that a pickle may name.
#[derive(Clone, Copy)]
enum Global {
    OrderedDict,
    RebuildTensor,
    /// The one before PyTorch 0.4.
    RebuildOldTensor,
    RebuildParameter,
    Storage(Number),
}

impl Global {
    fn named(module: &str, name: &str) -> Option<Self> {
        Some(match (module, name) {
            ("collections", "OrderedDict") => Self::OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2") => Self::RebuildTensor,
            ("torch._utils", "_rebuild_tensor") => Self::RebuildOldTensor,
            ("torch._utils", "_rebuild_parameter") => Self::RebuildParameter,
            ("torch", "HalfStorage") => Self::Storage(Number::F16),
            ("torch", "BFloat16Storage") => Self::Storage(Number::BF16),
            ("torch", "FloatStorage") => Self::Storage(Number::F32),
            ("torch", "DoubleStorage") => Self::Storage(Number::F64),
            ("torch", "LongStorage") => Self::Storage(Number::Whole(8)),
            ("torch", "IntStorage") => Self::Storage(Number::Whole(4)),
            ("torch", "ShortStorage") => Self::Storage(Number::Whole(2)),
            ("torch", "CharStorage" | "ByteStorage" | "BoolStorage") => Self::Storage(Number::Whole(1)),
            _ => return None,
        })
    }
}

/// A value's place in the machine's list.
type Id = usize;

enum Value {
    /// Read past, never used.
    None,
    Bool(bool),
    Int(i64),
    Text(String),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    Storage(Storage),
    Tensor(StoredTensor),
}

/// What a pickle is of.
pub struct Pickled {
    values: Vec<Value>,
    top: Id,
}

/// The next pickle of `bytes`.
///
/// # Errors
/// When it names anything but a state dict's objects, or is not whole.
pub fn read(bytes: &mut Cursor<'_>) -> Result<Pickled, ImportError> {
    Machine::new(bytes).run()
}

impl Pickled {
    /// The tensors of a state dict, by name, in its order.
    ///
    /// # Errors
    /// When it is of something else.
    pub fn tensors(&self) -> Result<Vec<(String, StoredTensor)>, ImportError> {
        let Value::Dict(items) = &self.values[self.top] else {
            return Err(ImportError::NoStateDict("its object is no dict".into()));
        };
        items
            .iter()
            .map(|(key, value)| match (&self.values[*key], &self.values[*value]) {
                (Value::Text(name), Value::Tensor(tensor)) => Ok((name.clone(), tensor.clone())),
                (Value::Text(name), _) => Err(ImportError::NoStateDict(format!("{} in it is no tensor", quoted(name)))),
                _ => Err(ImportError::NoStateDict("one of its keys is no name".into())),
            })
            .collect()
    }

    /// The whole number that it is.
    pub fn int(&self) -> Option<i64> {
        match self.values[self.top] {
            Value::Int(value) => Some(value),
            _ => None,
        }
    }

    /// The list of texts that it is.
    pub fn texts(&self) -> Option<Vec<String>> {
        let Value::List(items) = &self.values[self.top] else { return None };
        let text = |id: &Id| match &self.values[*id] {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        };
        items.iter().map(text).collect()
    }

    /// The truth value of that name in the dict that it is.
    pub fn flag(&self, name: &str) -> Option<bool> {
        let Value::Dict(items) = &self.values[self.top] else { return None };
        let named = |id: Id| matches!(&self.values[id], Value::Text(text) if text == name);
        match self.values[items.iter().find(|(key, _)| named(*key))?.1] {
            Value::Bool(flag) => Some(flag),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
