//! The stack machine that a pickle is a program for.

use super::super::cursor::{Cursor, damaged};
use super::super::stored::{Storage, StoredTensor};
use super::super::{ImportError, quoted};
use super::{Global, Id, LONGEST_KEY, MOST_DIMENSIONS, Pickled, Value};
use std::collections::HashMap;

/// The state between two instructions.
pub(super) struct Machine<'r, 'a> {
    rest: &'r mut Cursor<'a>,
    values: Vec<Value>,
    stack: Vec<Id>,
    /// Heights of the stack where a MARK was set.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<'r, 'a> Machine<'r, 'a> {
    pub(super) fn new(rest: &'r mut Cursor<'a>) -> Self {
        Self { rest, values: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() }
    }

    /// Runs to the last instruction; what it leaves on top.
    pub(super) fn run(mut self) -> Result<Pickled, ImportError> {
        loop {
            if let Some(top) = self.step()? {
                return Ok(Pickled { values: self.values, top });
            }
        }
    }

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
