//! A reader of the pickles (protocol 2) that `torch.save` writes of state dicts.
//!
//! A pickle is a program for a small stack machine, and its GLOBAL and REDUCE
//! call what they please. This machine has no such call: it knows the objects
//! of [`Global`] and builds plain data of them; any other name ends the import.
//!
//! Values live in one list and name each other by their place in it, so that
//! nothing is copied when the memo repeats it and nothing recurses, however
//! deep a pickle nests: its cost is linear in its length.

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
    let mut machine =
        Machine { rest: bytes, values: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() };
    let top = loop {
        if let Some(top) = machine.step()? {
            break top;
        }
    };
    machine.tensors(top)
}

struct Machine<'a> {
    rest: &'a [u8],
    values: Vec<Value>,
    stack: Vec<Id>,
    /// Heights of the stack where a MARK was set.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

fn damaged<T>(what: &str) -> Result<T, ImportError> {
    Err(ImportError::Damaged(format!("its pickle {what}")))
}

impl<'a> Machine<'a> {
    /// One instruction; the answer when it was the last.
    fn step(&mut self) -> Result<Option<Id>, ImportError> {
        match self.u8()? {
            // PROTO
            0x80 => match self.u8()? {
                ..=2 => {}
                _ => return Err(ImportError::Kind("pickled by another protocol than torch.save's own 2".into())),
            },
            b'.' => return self.pop().map(Some),           // STOP
            b'N' | 0x88 | 0x89 => self.push(Value::Plain), // NONE, NEWTRUE, NEWFALSE
            b'K' => self.int(1)?,                          // BININT1
            b'M' => self.int(2)?,                          // BININT2
            b'J' => {
                // BININT, the one with a sign
                let value = i32::from_le_bytes(self.array()?);
                self.push(Value::Int(value.into()));
            }
            0x8a => {
                // LONG1
                let length = self.u8()?.into();
                self.int(length)?;
            }
            b'X' => {
                // BINUNICODE
                let length = u32::from_le_bytes(self.array()?) as usize;
                let Ok(text) = std::str::from_utf8(self.take(length)?) else {
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
                let place = self.u8()?.into();
                self.remember(place)?;
            }
            b'r' => {
                // LONG_BINPUT
                let place = u32::from_le_bytes(self.array()?);
                self.remember(place)?;
            }
            b'h' => {
                // BINGET
                let place = self.u8()?.into();
                self.recall(place)?;
            }
            b'j' => {
                // LONG_BINGET
                let place = u32::from_le_bytes(self.array()?);
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
        let (module, name) = (self.line()?, self.line()?);
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

    /// A whole number of so many bytes, at most eight. (A negative one of fewer
    /// comes out positive: a state dict's sizes have no sign.)
    fn int(&mut self, length: usize) -> Result<(), ImportError> {
        let bytes = self.take(length)?;
        let mut wide = [0; 8];
        match wide.get_mut(..length) {
            Some(low) => low.copy_from_slice(bytes),
            None => return damaged("has a number of more than 64 bits"),
        }
        self.push(Value::Int(i64::from_le_bytes(wide)));
        Ok(())
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], ImportError> {
        match self.rest.split_at_checked(length) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => damaged("ends too early"),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ImportError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn u8(&mut self) -> Result<u8, ImportError> {
        Ok(self.array::<1>()?[0])
    }

    /// Text up to the end of a line.
    fn line(&mut self) -> Result<&'a str, ImportError> {
        let Some(length) = self.rest.iter().position(|byte| *byte == b'\n') else { return damaged("ends too early") };
        let line = self.take(length)?;
        self.take(1)?;
        std::str::from_utf8(line).or_else(|_| damaged("has a name that is not UTF-8"))
    }
}
