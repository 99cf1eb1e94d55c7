//! Huffman's codes, and the bits that they are read from (T.81, annexes C and F.2).

/// Bits that are looked at in one step: codes longer than that are rare.
const LOOK: u32 = 11;

/// A code, with the bits of its value where both fit into [`LOOK`] bits.
///
/// From the lowest bits: the length (0 where the code is longer), the bits of
/// the value that are still to be read, how many coefficients it goes on, the value.
#[derive(Clone, Copy, Default)]
struct Entry(u32);

impl Entry {
    fn new(length: u32, unread: u32, run: usize, value: i16) -> Self {
        Self(length | unread << 5 | (run as u32) << 9 | u32::from(value as u16) << 16)
    }

    fn length(self) -> u32 {
        self.0 & 31
    }

    fn unread(self) -> u32 {
        self.0 >> 5 & 15
    }

    fn run(self) -> usize {
        (self.0 >> 9 & 127) as usize
    }

    fn value(self) -> i16 {
        (self.0 >> 16) as i16
    }
}

/// What a code says: so many coefficients are 0, then comes this one.
#[derive(Clone, Copy)]
pub(super) struct Step {
    /// 0 to 15, or [`END`].
    pub run: usize,
    pub value: i16,
}

/// The run of the code that ends a block.
pub(super) const END: usize = 64;

/// The codes of one table.
pub(super) struct Table {
    entries: Box<[Entry; 1 << LOOK]>,
    /// By length: the first 16 bits that are no such code or a shorter one; and what makes of a code, as a number, the
    /// place of its symbol.
    limits: [(u32, i32); 17],
    symbols: Vec<u8>,
}

impl Table {
    /// The table of so many codes of 1 to 16 bits each, which mean these
    /// symbols; `None` where there are more codes than bits for them.
    pub fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut entries = Box::new([Entry::default(); 1 << LOOK]);
        let mut limits = [(0, 0); 17];
        let (mut code, mut first) = (0_u32, 0);
        for (length, &count) in (1..).zip(counts) {
            code <<= 1;
            limits[length as usize].1 = first as i32 - code as i32;
            for &symbol in symbols.get(first..first + usize::from(count))? {
                if code >> length != 0 {
                    return None;
                }
                if length <= LOOK {
                    let free = LOOK - length;
                    for rest in 0..1 << free {
                        entries[(code << free | rest) as usize] = entry(symbol, length, rest, free);
                    }
                }
                code += 1;
            }
            first += usize::from(count);
            limits[length as usize].0 = code << (16 - length);
        }
        Some(Self { entries, limits, symbols: symbols.to_vec() })
    }

    /// Reads a code and its value; `None` for bits that are no code, and behind the data's end.
    #[inline(always)]
    pub fn read(&self, bits: &mut Bits<'_>) -> Option<Step> {
        bits.fill()?;
        let mut entry = self.entries[(bits.window >> (64 - LOOK)) as usize];
        if entry.length() == 0 {
            entry = self.longer(bits.window)?;
        }
        bits.skip(entry.length());
        let value = if entry.unread() == 0 { entry.value() } else { bits.value(entry.unread()) };
        Some(Step { run: entry.run(), value })
    }

    /// The code of more than [`LOOK`] bits that these begin with.
    #[cold]
    fn longer(&self, window: u64) -> Option<Entry> {
        let next = (window >> 48) as u32;
        let length = (LOOK + 1..=16).find(|&length| next < self.limits[length as usize].0)?;
        let place = (next >> (16 - length)) as i32 + self.limits[length as usize].1;
        let (run, size) = split(*self.symbols.get(usize::try_from(place).ok()?)?);
        Some(Entry::new(length, size, run, 0))
    }
}

/// How many coefficients a symbol goes on, and how many bits its value has.
///
/// Only 15 zeros and then one more have a symbol without a value (T.81, F.1.2.2); any other ends the block.
fn split(symbol: u8) -> (usize, u32) {
    match (usize::from(symbol >> 4), u32::from(symbol & 15)) {
        (run, 0) if run < 15 => (END, 0),
        both => both,
    }
}

/// The entry of a code of `length` bits before `free` bits that are `rest`.
fn entry(symbol: u8, length: u32, rest: u32, free: u32) -> Entry {
    let (run, size) = split(symbol);
    match size {
        0 => Entry::new(length, 0, run, 0),
        size if size <= free => Entry::new(length + size, 0, run, extend(rest >> (free - size), size)),
        size => Entry::new(length, size, run, 0),
    }
}

/// The value that `size` bits stand for: the lower half of them are negative (T.81, figure F.12).
#[inline(always)]
fn extend(bits: u32, size: u32) -> i16 {
    let negative = bits >> (size - 1) == 0;
    (bits as i32 - if negative { (1 << size) - 1 } else { 0 }) as i16
}

/// Bits, the highest of each byte first.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// The byte after those in the window.
    next: usize,
    /// The bits to come, from the highest on.
    window: u64,
    /// How many of the window are certain.
    held: u32,
}

/// Bytes that must follow the data, for they are read eight at a time.
pub(super) const MARGIN: usize = 16;

impl<'a> Bits<'a> {
    /// From a byte on; the last [`MARGIN`] bytes are none of the data.
    pub fn new(bytes: &'a [u8], byte: usize) -> Self {
        Self { bytes, next: byte, window: 0, held: 0 }
    }

    /// Where the next bit is, counted from the first byte.
    pub fn position(&self) -> usize {
        8 * self.next - self.held as usize
    }

    /// At least 32 bits: a code has 16 at most, and so has a value.
    #[inline(always)]
    fn fill(&mut self) -> Option<()> {
        if self.held < 32 {
            let word = u64::from_be_bytes(*self.bytes.get(self.next..)?.first_chunk()?);
            self.window |= word >> self.held;
            self.next += ((63 - self.held) >> 3) as usize;
            self.held |= 56;
        }
        Some(())
    }

    #[inline(always)]
    fn skip(&mut self, bits: u32) {
        self.window <<= bits;
        self.held -= bits;
    }

    #[inline(always)]
    fn value(&mut self, size: u32) -> i16 {
        let value = extend((self.window >> (64 - size)) as u32, size);
        self.skip(size);
        value
    }
}
