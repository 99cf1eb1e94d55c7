//! A writer of the pickle (protocol 2) that `torch.load` takes for a state
//! dict: an `OrderedDict` of names and tensors, each in a storage of its own.

/// One tensor, as the pickle describes it.
pub struct Described<'a> {
    pub name: &'a str,
    /// `FloatStorage`, `LongStorage` …
    pub storage: &'static str,
    /// In order, without gaps.
    pub shape: &'a [usize],
}

const ORDERED_DICT: &[u8] = b"ccollections\nOrderedDict\n)R";

/// The pickle of a state dict; the storages are called 0, 1, 2 … in its order.
pub fn state_dict<'a>(tensors: impl IntoIterator<Item = Described<'a>>) -> Vec<u8> {
    let mut pickle = Pickle(b"\x80\x02".to_vec()); // PROTO 2
    pickle.raw(ORDERED_DICT).raw(b"("); // MARK
    for (key, tensor) in tensors.into_iter().enumerate() {
        pickle.text(tensor.name).tensor(key, &tensor);
    }
    pickle.raw(b"u."); // SETITEMS, STOP
    pickle.0
}

struct Pickle(Vec<u8>);

impl Pickle {
    fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// BINUNICODE. Names are paths of modules: far from 4 GiB.
    fn text(&mut self, text: &str) -> &mut Self {
        self.raw(b"X").raw(&(text.len() as u32).to_le_bytes()).raw(text.as_bytes())
    }

    /// BININT1, BININT2, BININT or LONG1: the shortest that holds it.
    fn int(&mut self, value: usize) -> &mut Self {
        match value {
            0..=0xff => self.raw(&[b'K', value as u8]),
            0x100..=0xffff => self.raw(b"M").raw(&(value as u16).to_le_bytes()),
            0x1_0000..=0x7fff_ffff => self.raw(b"J").raw(&(value as u32).to_le_bytes()),
            // Eight bytes, of which the last is the sign's.
            _ => self.raw(b"\x8a\x08").raw(&(value as u64).to_le_bytes()),
        }
    }

    fn ints(&mut self, values: &[usize]) -> &mut Self {
        self.raw(b"("); // MARK
        for value in values {
            self.int(*value);
        }
        self.raw(b"t") // TUPLE
    }

    /// `_rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks)`.
    fn tensor(&mut self, key: usize, tensor: &Described<'_>) -> &mut Self {
        let strides: Vec<usize> =
            (0..tensor.shape.len()).map(|axis| tensor.shape[axis + 1..].iter().product()).collect();
        self.raw(b"ctorch._utils\n_rebuild_tensor_v2\n(");
        // The storage's persistent id: ("storage", type, key, device, count).
        self.raw(b"(").text("storage").raw(format!("ctorch\n{}\n", tensor.storage).as_bytes());
        self.text(&key.to_string()).text("cpu").int(tensor.shape.iter().product()).raw(b"tQ");
        self.int(0).ints(tensor.shape).ints(&strides);
        self.raw(b"\x89").raw(ORDERED_DICT).raw(b"tR") // NEWFALSE; TUPLE, REDUCE
    }
}
