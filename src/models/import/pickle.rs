//! A reader of the pickles (protocol 2) that `torch.save` writes of state dicts.
//!
//! A pickle is a program for a small stack machine, and its GLOBAL and REDUCE
//! call what they please. This machine has no such call: it knows the objects
//! of [`Global`] and builds plain data of them; any other name ends the import.
//!
//! Values live in one list and name each other by their place in it, so that
//! nothing is copied when the memo repeats it and nothing recurses, however
//! deep a pickle nests: its cost is linear in its length.

use super::cursor::{Cursor, damaged};
use super::stored::{Number, Storage, StoredTensor};
use super::{ImportError, quoted};
use std::collections::HashMap;

/// Limits of what is copied out of a pickle.
const MOST_DIMENSIONS: usize = 8;
const LONGEST_KEY: usize = 64;

/// All that a pickle may name.
#[derive(Clone, Copy)]
enum Global {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Storage(Number),
}

impl Global {
    fn named(module: &str, name: &str) -> Option<Self> {
        Some(match (module, name) {
            ("collections", "OrderedDict") => Self::OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2") => Self::RebuildTensor,
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
    /// `None`, true or false: read past, never used.
    Plain,
    Int(i64),
    Text(String),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    Storage(Storage),
    Tensor(StoredTensor),
}

/// The tensors of a pickled state dict, by name, in its order.
///
/// # Errors
/// When the pickle names anything but a state dict's objects, is not whole, or
/// is of something else.
pub fn read(bytes: &[u8]) -> Result<Vec<(String, StoredTensor)>, ImportError> {
    let mut machine = Machine {
        rest: Cursor::new(bytes),
        values: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    let top = loop {
        if let Some(top) = machine.step()? {
            break top;
        }
    };
    machine.tensors(top)
}

struct Machine<'a> {
    rest: Cursor<'a>,
    values: Vec<Value>,
    stack: Vec<Id>,
    /// Heights of the stack where a MARK was set.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl Machine<'_> {
    /// One instruction; the answer when it was the last.
    fn step(&mut self) -> Result<Option<Id>, ImportError> {
        match self.rest.u8()? {
            // PROTO
            0x80 => match self.rest.u8()? {
                ..=2 => {}
                _ => return Err(ImportError::Kind("pickled by another protocol than torch.save's own 2".into())),
            },
            b'.' => return self.pop().map(Some),           // STOP
            b'N' | 0x88 | 0x89 => self.push(Value::Plain), // NONE, NEWTRUE, NEWFALSE
            b'K' => self.int(1)?,                          // BININT1
            b'M' => self.int(2)?,                          // BININT2
            b'J' => {
                // BININT, the one with a sign
                let value = i32::from_le_bytes(self.rest.array()?);
                self.push(Value::Int(value.into()));
            }
            0x8a => {
                // LONG1
                let length = self.rest.u8()?.into();
                self.int(length)?;
            }
            b'X' => {
                // BINUNICODE
                let length = u32::from_le_bytes(self.rest.array()?) as usize;
                let Ok(text) = std::str::from_utf8(self.rest.take(length)?) else {
                    return damaged("has text that is not UTF-8");
                };
                self.push(Value::Text(text.to_owned()));
            }
            b'(' => self.marks.push(self.stack.len()),   // MARK
            b')' => self.push(Value::Tuple(Vec::new())), // EMPTY_TUPLE
            b't' => {
                // TUPLE
                let items = self.pop_to_mark()?;
                self.push(Value::Tuple(items));
            }
            code @ 0x85..=0x87 => {
                // TUPLE1, TUPLE2, TUPLE3
                let mut items = (0x85..=code).map(|_| self.pop()).collect::<Result<Vec<_>, _>>()?;
                items.reverse();
                self.push(Value::Tuple(items));
            }
            b'}' => self.push(Value::Dict(Vec::new())), // EMPTY_DICT
            b's' => {
                // SETITEM
                let (value, key) = (self.pop()?, self.pop()?);
                self.set(&[key, value])?;
            }
            b'u' => {
                // SETITEMS
                let items = self.pop_to_mark()?;
                self.set(&items)?;
            }
            b'q' => {
                // BINPUT
                let place = self.rest.u8()?.into();
                self.remember(place)?;
            }
            b'r' => {
                // LONG_BINPUT
                let place = u32::from_le_bytes(self.rest.array()?);
                self.remember(place)?;
            }
            b'h' => {
                // BINGET
                let place = self.rest.u8()?.into();
                self.recall(place)?;
            }
            b'j' => {
                // LONG_BINGET
                let place = u32::from_le_bytes(self.rest.array()?);
                self.recall(place)?;
            }
            b'c' => self.global()?,  // GLOBAL
            b'Q' => self.storage()?, // BINPERSID
            b'R' => self.reduce()?,  // REDUCE
            b'b' => self.build()?,   // BUILD
            code => {
                return Err(ImportError::Forbidden(format!(
                    "the pickle instruction {}",
                    quoted(&char::from(code).to_string())
                )));
            }
        }
        Ok(None)
    }

    /// The dict at `top` as names and tensors.
    fn tensors(self, top: Id) -> Result<Vec<(String, StoredTensor)>, ImportError> {
        let Value::Dict(items) = &self.values[top] else {
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

    fn global(&mut self) -> Result<(), ImportError> {
        let (module, name) = (self.rest.line()?, self.rest.line()?);
        match Global::named(module, name) {
            Some(global) => self.push(Value::Global(global)),
            None => {
                let path = format!("{module}.{name}");
                return Err(ImportError::Forbidden(format!("the Python object {}", quoted(&path))));
            }
        }
        Ok(())
    }

    /// A persistent id: `("storage", type, key, place, count)`.
    fn storage(&mut self) -> Result<(), ImportError> {
        let id = self.pop()?;
        if let Value::Tuple(parts) = &self.values[id]
            && let [tag, kind, key, _, count] = parts[..]
            && let (Value::Text(tag), Value::Global(Global::Storage(number)), Value::Text(key), Value::Int(count)) =
                (&self.values[tag], &self.values[kind], &self.values[key], &self.values[count])
            && tag == "storage"
            && key.len() <= LONGEST_KEY
            && let Ok(count) = usize::try_from(*count)
            && count.checked_mul(number.size()).is_some()
        {
            let storage = Storage { key: key.clone(), number: *number, count };
            self.push(Value::Storage(storage));
            return Ok(());
        }
        damaged("has a storage of no known form")
    }

    fn reduce(&mut self) -> Result<(), ImportError> {
        let (arguments, callable) = (self.pop()?, self.pop()?);
        let Value::Global(callable) = self.values[callable] else { return damaged("calls what cannot be called") };
        let Value::Tuple(arguments) = &self.values[arguments] else { return damaged("calls without arguments") };
        match (callable, arguments.as_slice()) {
            (Global::OrderedDict, []) => self.push(Value::Dict(Vec::new())),
            (Global::RebuildTensor, [storage, offset, shape, strides, _, _, ..]) => {
                let Some(tensor) = self.tensor(*storage, *offset, *shape, *strides) else {
                    return damaged("has a tensor that does not lie in its storage");
                };
                self.push(Value::Tensor(tensor));
            }
            (Global::RebuildParameter, [tensor, ..]) => {
                let tensor = *tensor;
                self.stack.push(tensor);
            }
            _ => return damaged("calls with arguments of no known form"),
        }
        Ok(())
    }

    /// `None` where the arguments are no tensor, or one that leaves its storage.
    fn tensor(&self, storage: Id, offset: Id, shape: Id, strides: Id) -> Option<StoredTensor> {
        let Value::Storage(storage) = &self.values[storage] else { return None };
        let number = |id: Id| match self.values[id] {
            Value::Int(value) => usize::try_from(value).ok(),
            _ => None,
        };
        let numbers = |id: Id| match &self.values[id] {
            Value::Tuple(items) if items.len() <= MOST_DIMENSIONS => items.iter().map(|item| number(*item)).collect(),
            _ => None,
        };
        let (offset, shape, strides): (_, Vec<usize>, Vec<usize>) =
            (number(offset)?, numbers(shape)?, numbers(strides)?);
        if shape.len() != strides.len() || shape.contains(&0) {
            return None;
        }
        shape.iter().try_fold(1usize, |product, length| product.checked_mul(*length))?;
        let last = shape
            .iter()
            .zip(&strides)
            .try_fold(offset, |place, (length, stride)| place.checked_add((length - 1).checked_mul(*stride)?))?;
        (last < storage.count).then(|| StoredTensor { storage: storage.clone(), offset, shape, strides })
    }

    /// An object's attributes, such as a state dict's `_metadata`: not needed.
    fn build(&mut self) -> Result<(), ImportError> {
        let (attributes, object) = (self.pop()?, self.pop()?);
        if !matches!((&self.values[object], &self.values[attributes]), (Value::Dict(_), Value::Dict(_))) {
            return damaged("gives attributes to what has none");
        }
        self.stack.push(object);
        Ok(())
    }

    fn set(&mut self, items: &[Id]) -> Result<(), ImportError> {
        let dict = self.top()?;
        let (Value::Dict(dict), (pairs, [])) = (&mut self.values[dict], items.as_chunks()) else {
            return damaged("sets items that are no pairs of a dict");
        };
        dict.extend(pairs.iter().map(|[key, value]| (*key, *value)));
        Ok(())
    }

    fn remember(&mut self, place: u32) -> Result<(), ImportError> {
        let top = self.top()?;
        self.memo.insert(place, top);
        Ok(())
    }

    fn recall(&mut self, place: u32) -> Result<(), ImportError> {
        let Some(id) = self.memo.get(&place) else { return damaged("recalls what it never saw") };
        self.stack.push(*id);
        Ok(())
    }

    fn push(&mut self, value: Value) {
        self.stack.push(self.values.len());
        self.values.push(value);
    }

    fn top(&self) -> Result<Id, ImportError> {
        // What lies below the last mark is out of reach.
        match self.stack.get(self.marks.last().copied().unwrap_or(0)..) {
            Some([.., top]) => Ok(*top),
            _ => damaged("takes more than it put down"),
        }
    }

    fn pop(&mut self) -> Result<Id, ImportError> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, ImportError> {
        match self.marks.pop() {
            Some(mark) => Ok(self.stack.split_off(mark)),
            None => damaged("closes what it never opened"),
        }
    }

    fn int(&mut self, length: usize) -> Result<(), ImportError> {
        let value = self.rest.int(length)?;
        self.push(Value::Int(value));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::archive::Archive;
    use super::*;
    use std::path::Path;

    /// The pickle that PyTorch wrote.
    fn real() -> Vec<u8> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/unet_256.pth");
        Archive::open(&file).unwrap().pickle().unwrap()
    }

    #[test]
    fn a_state_dict_keeps_its_order_and_shapes() {
        let tensors = read(&real()).unwrap();
        assert_eq!(tensors.len(), 82);
        let (name, first) = &tensors[0];
        assert_eq!((name.as_str(), first.shape.as_slice()), ("model.model.0.weight", &[1, 3, 4, 4][..]));
        assert_eq!((first.strides.as_slice(), first.storage.number), (&[48, 16, 4, 1][..], Number::F32));
        assert_eq!(tensors[81].0, "model.model.3.bias");
    }

    /// Whatever the bytes are, reading them ends, and with an answer.
    #[test]
    fn broken_pickles_are_answered() {
        let whole = real();
        for length in (0..whole.len()).step_by(3) {
            assert!(read(&whole[..length]).is_err(), "{length}");
        }
        let mut broken = whole.clone();
        for at in 0..whole.len() {
            for value in [b'R', 0xff, whole[at] ^ 1] {
                broken[at] = value;
                if let Ok(tensors) = read(&broken) {
                    let inside = |t: &StoredTensor| t.offset < t.storage.count && t.shape.len() == t.strides.len();
                    assert!(tensors.iter().all(|(_, tensor)| inside(tensor)));
                }
            }
            broken[at] = whole[at];
        }
    }
}
