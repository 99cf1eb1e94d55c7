//! The coefficients of a scan, by as many threads as there are.
//!
//! Between restart markers the data stand on their own. Where there are none, a
//! thread begins in the middle, at a byte that may be anything: read from a wrong
//! bit, codes soon fall into step with the true ones (Klein and Wiseman, "Parallel
//! Huffman decoding with applications to JPEG files", 2003). The thread before it
//! goes on until it is at the start of an MCU where the other has been, too; from
//! there on both would read the same, but for what DC coefficients are counted from.

use std::array;

use memchr::memchr;
use rayon::prelude::*;

use super::frame::Frame;
use super::huffman::{Bits, END, MARGIN, Table};

/// One block of an MCU.
pub(super) struct Block<'a> {
    /// Which component it is of.
    pub component: usize,
    /// Where each coefficient, in the file's order, goes among those that are kept of an MCU.
    pub places: [u16; 64],
    pub dc: &'a Table,
    pub ac: &'a Table,
}

/// How an MCU is read.
pub(super) struct Mcu<'a> {
    pub blocks: Vec<Block<'a>>,
    /// How many coefficients are kept; those that are not go to one place behind them.
    pub kept: usize,
}

impl Mcu<'_> {
    /// Coefficients from one MCU to the next.
    fn stride(&self) -> usize {
        self.kept + 1
    }

    /// Reads one to `kept`, as many zeros before as the stride; DC coefficients are counted from `dc`.
    fn read(&self, from: &mut Bits<'_>, dc: &mut [i16; 3], kept: &mut [i16]) -> Option<()> {
        // A copy of its own stays in registers.
        let mut bits = *from;
        for block in &self.blocks {
            let dc = &mut dc[block.component];
            *dc = dc.wrapping_add(block.dc.read(&mut bits)?.value);
            kept[usize::from(block.places[0])] = *dc;
            let mut at = 1;
            while at < 64 {
                let step = block.ac.read(&mut bits)?;
                at += step.run;
                if at >= 64 {
                    if step.run != END {
                        return None;
                    }
                    break;
                }
                kept[usize::from(block.places[at])] = step.value;
                at += 1;
            }
        }
        *from = bits;
        Some(())
    }
}

/// MCUs that follow each other.
struct Run {
    /// Which is the first, and how many of `coefficients` belong to none.
    first: usize,
    skipped: usize,
    coefficients: Vec<i16>,
    /// What the DC coefficients of each component are to be raised by.
    raise: [i16; 3],
}

/// The coefficients of all MCUs.
pub(super) struct Coefficients {
    runs: Vec<Run>,
    stride: usize,
}

impl Coefficients {
    /// Those of an MCU, and what its DC coefficients are to be raised by.
    pub fn mcu(&self, mcu: usize) -> (&[i16], [i16; 3]) {
        let run = &self.runs[self.runs.partition_point(|run| run.first <= mcu) - 1];
        let start = run.skipped + (mcu - run.first) * self.stride;
        (&run.coefficients[start..start + self.stride], run.raise)
    }
}

/// Reads all MCUs of the scan; `None` where the data are damaged.
pub(super) fn read(bytes: &[u8], frame: &Frame, mcu: &Mcu<'_>, threads: usize) -> Option<Coefficients> {
    let (across, down) = frame.mcus();
    let total = across * down;
    let data = Data::of(bytes.get(frame.data..)?)?;
    let runs = match frame.restart_interval {
        0 if data.ends.len() == 1 => side_by_side(&data, mcu, total, threads)?,
        0 => return None,
        interval => between_markers(&data, mcu, total, interval)?,
    };
    Some(Coefficients { runs, stride: mcu.stride() })
}

/// Entropy-coded data without what is stuffed into them.
struct Data {
    /// With [`MARGIN`] bytes of ones behind: decoders may run into them, and no code is all ones.
    bytes: Vec<u8>,
    /// Where the data before each restart marker end, and all.
    ends: Vec<usize>,
}

impl Data {
    /// Up to the end of the picture; `None` if restart markers are out of order, or there are others.
    fn of(scan: &[u8]) -> Option<Self> {
        let mut bytes = Vec::with_capacity(scan.len() + MARGIN);
        let (mut at, mut ends) = (0, Vec::new());
        loop {
            let found = at + memchr(0xFF, &scan[at..])?;
            bytes.extend_from_slice(&scan[at..found]);
            at = found + 2;
            match *scan.get(found + 1)? {
                0x00 => bytes.push(0xFF),
                // What a marker may be filled up with.
                0xFF => at -= 1,
                marker @ 0xD0..=0xD7 => {
                    if usize::from(marker - 0xD0) != ends.len() % 8 {
                        return None;
                    }
                    ends.push(bytes.len());
                }
                0xD9 => break,
                _ => return None,
            }
        }
        ends.push(bytes.len());
        bytes.extend([0xFF; MARGIN]);
        Some(Self { bytes, ends })
    }
}

/// Reads MCUs from somewhere on.
struct Reader<'a> {
    mcu: &'a Mcu<'a>,
    bits: Bits<'a>,
    /// Where its data end, in bits.
    end: usize,
    dc: [i16; 3],
    coefficients: Vec<i16>,
}

impl<'a> Reader<'a> {
    fn new(data: &'a Data, mcu: &'a Mcu<'a>, bytes: std::ops::Range<usize>, room: usize) -> Self {
        let coefficients = Vec::with_capacity(room * mcu.stride());
        Self { mcu, bits: Bits::new(&data.bytes, bytes.start), end: 8 * bytes.end, dc: [0; 3], coefficients }
    }

    fn read(&mut self) -> Option<()> {
        let start = self.coefficients.len();
        self.coefficients.resize(start + self.mcu.stride(), 0);
        self.mcu.read(&mut self.bits, &mut self.dc, &mut self.coefficients[start..])?;
        (self.bits.position() <= self.end).then_some(())
    }

    /// Whether nothing is left but the bits that fill the last byte.
    fn is_done(&self) -> bool {
        self.bits.position() + 8 > self.end
    }
}

fn between_markers(data: &Data, mcu: &Mcu<'_>, total: usize, interval: usize) -> Option<Vec<Run>> {
    if data.ends.len() != total.div_ceil(interval) {
        return None;
    }
    let stretch = |(i, &end): (usize, &usize)| {
        let (first, start) = (i * interval, if i == 0 { 0 } else { data.ends[i - 1] });
        let mcus = interval.min(total - first);
        let mut reader = Reader::new(data, mcu, start..end, mcus);
        (0..mcus).try_for_each(|_| reader.read())?;
        let Reader { coefficients, .. } = reader;
        Some(Run { first, skipped: 0, coefficients, raise: [0; 3] })
    };
    data.ends.par_iter().enumerate().map(stretch).collect()
}

/// What a thread has read of the middle of the data, before anyone knows which MCUs that is.
struct Guess<'a> {
    reader: Reader<'a>,
    /// Where each of its MCUs starts, in bits.
    starts: Vec<usize>,
}

impl<'a> Guess<'a> {
    /// Reads from byte `from`, which need not be a start, up to the first MCU that starts at byte `to` or later; with
    /// room for so many MCUs, and no more than four times as many, however many there seem to be.
    fn read(data: &'a Data, mcu: &'a Mcu<'a>, from: usize, to: usize, room: usize) -> Self {
        let whole = data.ends[0];
        let mut reader = Reader::new(data, mcu, from..whole, room);
        let mut starts = Vec::with_capacity(room);
        while !reader.is_done() && reader.bits.position() < 8 * to && starts.len() < 4 * room {
            starts.push(reader.bits.position());
            if reader.read().is_none() {
                // Out of step: what has been read is worth nothing.
                (reader.bits, reader.dc) = (Bits::new(&data.bytes, reader.bits.position() / 8 + 1), [0; 3]);
                reader.coefficients.clear();
                starts.clear();
            }
        }
        Self { reader, starts }
    }

    /// What the DC coefficients of its MCU `i` are counted from.
    fn dc_before(&self, i: usize) -> [i16; 3] {
        let mut dc = [0; 3];
        let Reader { mcu, coefficients, .. } = &self.reader;
        if let Some(before) = i.checked_sub(1) {
            let coefficients = &coefficients[before * mcu.stride()..];
            // The last block of each component.
            mcu.blocks.iter().for_each(|b| dc[b.component] = coefficients[usize::from(b.places[0])]);
        }
        dc
    }
}

/// MCUs whose place in the picture is known, and what reads on behind them.
struct Known<'a> {
    /// Which is the first, and how many the reader had read before it.
    first: usize,
    skipped: usize,
    raise: [i16; 3],
    reader: Reader<'a>,
}

impl<'a> Known<'a> {
    /// The MCU that would be read next.
    fn next(&self) -> usize {
        self.first + self.reader.coefficients.len() / self.reader.mcu.stride() - self.skipped
    }

    /// Goes on with what was guessed if it has read the next MCU: as its number `i`.
    fn join(&self, guess: Guess<'a>, i: usize) -> Self {
        let before = guess.dc_before(i);
        let raise = array::from_fn(|c| self.reader.dc[c].wrapping_add(self.raise[c]).wrapping_sub(before[c]));
        Self { first: self.next(), skipped: i, raise, reader: guess.reader }
    }

    fn into_run(self) -> Run {
        let Self { first, skipped, raise, reader: Reader { mcu, coefficients, .. } } = self;
        Run { first, skipped: skipped * mcu.stride(), coefficients, raise }
    }
}

fn side_by_side(data: &Data, mcu: &Mcu<'_>, total: usize, threads: usize) -> Option<Vec<Run>> {
    let threads = threads.clamp(1, data.ends[0].max(1));
    let share = |i: usize| i * data.ends[0] / threads;
    let room = total / threads * 9 / 8 + 16;
    let guess = |i: usize| Guess::read(data, mcu, share(i), share(i + 1), room);
    let guesses: Vec<_> = (0..threads).into_par_iter().map(guess).collect();
    let mut guesses = guesses.into_iter();
    // The first one is no guess, unless it met something that is no code.
    let Guess { reader, .. } = guesses.next().filter(|first| first.starts.first() == Some(&0))?;
    let (mut known, mut runs) = (Known { first: 0, skipped: 0, raise: [0; 3], reader }, Vec::new());
    for guess in guesses {
        let last = guess.starts.last().copied();
        while known.next() < total && last >= Some(known.reader.bits.position()) {
            if let Ok(i) = guess.starts.binary_search(&known.reader.bits.position()) {
                let joined = known.join(guess, i);
                runs.push(std::mem::replace(&mut known, joined).into_run());
                break;
            }
            known.reader.read()?;
        }
    }
    while known.next() < total {
        known.reader.read()?;
    }
    let whole = known.next() == total && known.reader.is_done();
    runs.push(known.into_run());
    whole.then_some(runs)
}
