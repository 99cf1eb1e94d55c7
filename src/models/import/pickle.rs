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
    let mut machine =
        Machine { rest: bytes, values: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() };
    loop {
        if let Some(top) = machine.step()? {
            return Ok(Pickled { values: machine.values, top });
        }
    }
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

struct Machine<'r, 'a> {
    rest: &'r mut Cursor<'a>,
    values: Vec<Value>,
    stack: Vec<Id>,
    /// Heights of the stack where a MARK was set.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl Machine<'_, '_> {
    /// One instruction; the answer when it was the last.
    fn step(&mut self) -> Result<Option<Id>, ImportError> {
        match self.rest.u8()? {
            // PROTO
            0x80 => match self.rest.u8()? {
                ..=2 => {}
                _ => return Err(ImportError::Kind("pickled by another protocol than torch.save's own 2".into())),
            },
            b'.' => return self.pop().map(Some),                          // STOP
            b'N' => self.push(Value::None),                               // NONE
            code @ (0x88 | 0x89) => self.push(Value::Bool(code == 0x88)), // NEWTRUE, NEWFALSE
            b'K' => self.int(1)?,                                         // BININT1
            b'M' => self.int(2)?,                                         // BININT2
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
            b'X' | b'T' => {
                // BINUNICODE, and Python 2's BINSTRING
                let length = u32::from_le_bytes(self.rest.array()?) as usize;
                self.text(length)?;
            }
            b'U' => {
                // Python 2's SHORT_BINSTRING
                let length = self.rest.u8()?.into();
                self.text(length)?;
            }
            b']' => self.push(Value::List(Vec::new())), // EMPTY_LIST
            b'a' => {
                // APPEND
                let item = self.pop()?;
                self.append(&[item])?;
            }
            b'e' => {
                // APPENDS
                let items = self.pop_to_mark()?;
                self.append(&items)?;
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

    /// A persistent id: `("storage", type, key, place, count)`, and in the
    /// older container `None` behind them.
    fn storage(&mut self) -> Result<(), ImportError> {
        let id = self.pop()?;
        if let Value::Tuple(parts) = &self.values[id]
            && let [tag, kind, key, _, count, view @ ..] = &parts[..]
            && view.iter().all(|id| matches!(self.values[*id], Value::None))
            && let (Value::Text(tag), Value::Global(Global::Storage(number)), Value::Text(key), Value::Int(count)) =
                (&self.values[*tag], &self.values[*kind], &self.values[*key], &self.values[*count])
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
            (Global::OrderedDict, [pairs]) => {
                let Some(pairs) = self.pairs(*pairs) else { return damaged("makes a dict of what are no pairs") };
                self.push(Value::Dict(pairs));
            }
            (Global::RebuildOldTensor, [storage, offset, shape, strides])
            | (Global::RebuildTensor, [storage, offset, shape, strides, _, _, ..]) => {
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

    /// The pairs in a list.
    fn pairs(&self, list: Id) -> Option<Vec<(Id, Id)>> {
        let Value::List(items) = &self.values[list] else { return None };
        let pair = |id: &Id| match &self.values[*id] {
            Value::Tuple(pair) | Value::List(pair) if pair.len() == 2 => Some((pair[0], pair[1])),
            _ => None,
        };
        items.iter().map(pair).collect()
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

    fn append(&mut self, items: &[Id]) -> Result<(), ImportError> {
        let list = self.top()?;
        let Value::List(list) = &mut self.values[list] else { return damaged("appends to what is no list") };
        list.extend(items);
        Ok(())
    }

    fn text(&mut self, length: usize) -> Result<(), ImportError> {
        let Ok(text) = std::str::from_utf8(self.rest.take(length)?) else {
            return damaged("has text that is not UTF-8");
        };
        self.push(Value::Text(text.to_owned()));
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
mod tests;
