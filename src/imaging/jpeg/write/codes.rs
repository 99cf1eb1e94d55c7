//! Coefficients to bits (T.81, annex F.1).

use std::array;

use multiversion::multiversion;

use super::header::{AC, DC, Table};
use crate::imaging::jpeg::frame::ZIGZAG;

/// A symbol's code, and how long it is; 0 where there is none.
type Code = (u32, u32);

/// What is a block's end, and what stands for sixteen zeros.
const END: usize = 0x00;
const SIXTEEN: usize = 0xf0;

/// The codes of a component.
pub(super) struct Codes {
    dc: [Code; 256],
    ac: [Code; 256],
}

impl Codes {
    /// Of luma and chroma.
    pub(super) fn all() -> [Self; 2] {
        array::from_fn(|i| Self { dc: codes(&DC[i]), ac: codes(&AC[i]) })
    }
}

/// Codes of one length are numbers one after another (annex C).
fn codes(table: &Table) -> [Code; 256] {
    let mut codes = [(0, 0); 256];
    let (mut code, mut symbols) = (0, table.symbols.iter());
    for (length, &count) in (1..).zip(&table.counts) {
        code <<= 1;
        for &symbol in symbols.by_ref().take(usize::from(count)) {
            codes[usize::from(symbol)] = (code, length);
            code += 1;
        }
    }
    codes
}

/// Data as they are written; a byte of ones is followed by one of zeros, so that it is no marker.
pub(super) struct Bits {
    bytes: Vec<u8>,
    /// The last `count` bits are not written yet.
    waiting: u64,
    count: u32,
}

impl Bits {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), waiting: 0, count: 0 }
    }

    /// Adds so many bits, at most 32.
    #[inline(always)]
    fn push(&mut self, bits: u32, count: u32) {
        self.waiting = self.waiting << count | u64::from(bits);
        self.count += count;
        if self.count >= 32 {
            self.count -= 32;
            let word = (self.waiting >> self.count) as u32;
            // A byte of ones has its highest bit, and loses it when one is added.
            if word & 0x8080_8080 & !word.wrapping_add(0x0101_0101) == 0 {
                self.bytes.extend_from_slice(&word.to_be_bytes());
            } else {
                word.to_be_bytes().into_iter().for_each(|byte| self.byte(byte));
            }
        }
    }

    fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
        if byte == 0xff {
            self.bytes.push(0);
        }
    }

    /// The data, the last byte filled up with ones.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let missing = (8 - self.count % 8) % 8;
        self.push((1 << missing) - 1, missing);
        for byte in (0..self.count / 8).rev() {
            self.byte((self.waiting >> (8 * byte)) as u8);
        }
        self.bytes
    }
}

/// How many bits a value has, and those bits: a negative one's are those of the number below.
#[inline(always)]
fn magnitude(value: i16) -> (u32, u32) {
    let size = 16 - value.unsigned_abs().leading_zeros();
    let bits = i32::from(value) + (i32::from(value) >> 31);
    (size, bits as u32 & ((1 << size) - 1))
}

/// Writes a block whose coefficients lie by rows; `before` is the first one of the component's last block.
#[multiversion(targets("x86_64+avx2+bmi1+bmi2+lzcnt"))]
pub(super) fn write(bits: &mut Bits, block: &[i16; 64], before: &mut i16, codes: &Codes) {
    let values: [i16; 64] = ZIGZAG.map(|place| block[usize::from(place)]);
    let (size, rest) = magnitude(values[0].wrapping_sub(*before));
    let (code, length) = codes.dc[size as usize];
    bits.push(code << size | rest, length + size);
    *before = values[0];

    // A bit for each coefficient that is not 0: of eight bytes of 0 or 1, the product's highest byte has one each.
    let some: [u8; 64] = array::from_fn(|i| u8::from(values[i] != 0));
    let mut left = 0;
    for (i, some) in some.as_chunks().0.iter().enumerate() {
        left |= (u64::from_le_bytes(*some).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * i);
    }
    left &= !1;
    let mut last = 0;
    while left != 0 {
        let at = left.trailing_zeros() as usize;
        left &= left - 1;
        let mut run = at - last - 1;
        while run >= 16 {
            let (code, length) = codes.ac[SIXTEEN];
            bits.push(code, length);
            run -= 16;
        }
        let (size, rest) = magnitude(values[at]);
        let (code, length) = codes.ac[(run << 4 | size as usize) & 255];
        bits.push(code << size | rest, length + size);
        last = at;
    }
    if last < 63 {
        let (code, length) = codes.ac[END];
        bits.push(code, length);
    }
}
