//! JPEG out: bands of rows, written side by side.
//!
//! Baseline, with the standard's own tables. Between restart markers a JPEG's data stand on their own (T.81,
//! F.1.1.5.2): bits are filled up, predictions begin anew. So all bands are written at the same time.

mod codes;
mod header;
#[cfg(test)]
mod tests;
mod transform;

use rayon::prelude::*;

use crate::imaging::encode::DEFAULT_QUALITY;
use codes::{Bits, Codes};
use transform::Row;

/// Rows of a band: whatever the machine, so that everywhere a picture gives the same bytes.
const ROWS: usize = 256;

/// The blocks that are written together: 8 pixels are one of each component, 16 are four of luma and one of either
/// chroma.
#[derive(Clone, Copy)]
struct Blocks {
    /// Pixels across and down, an MCU of them.
    side: usize,
}

impl Blocks {
    /// Halved colours fray the coloured lines that this is all about: they come with a quality that is low anyhow.
    fn of(quality: u8) -> Self {
        Self { side: if quality < DEFAULT_QUALITY { 16 } else { 8 } }
    }
}

/// Writes `rgb`, rows of `width` pixels, at `quality` 1 to 100. `None` where there is no pixel, or a side is longer than a
/// JPEG's can be, 65,535.
pub(in crate::imaging) fn write(rgb: &[u8], width: usize, quality: u8) -> Option<Vec<u8>> {
    in_bands(rgb, width, quality, ROWS)
}

/// The same, in bands of about so many rows.
fn in_bands(rgb: &[u8], width: usize, quality: u8, rows: usize) -> Option<Vec<u8>> {
    let (blocks, height) = (Blocks::of(quality), rgb.len().checked_div(3 * width)?);
    let (Ok(across), Ok(down), false) = (u16::try_from(width), u16::try_from(height), rgb.is_empty()) else {
        return None;
    };
    // MCUs between markers are counted in 16 bits.
    let mcus = width.div_ceil(blocks.side);
    let rows = (rows / blocks.side).clamp(1, usize::from(u16::MAX) / mcus);
    let interval = (rows * blocks.side < height).then_some((mcus * rows) as u16);
    let (steps, codes) = (header::steps(quality), Codes::all());
    let bands = rgb.par_chunks(3 * width * rows * blocks.side);
    let bands: Vec<_> = bands.map(|band| scan(band, width, Row::new(width, blocks, &steps), &codes)).collect();
    let mut bytes = header::header((across, down), &steps, blocks, interval);
    bytes.reserve(bands.iter().map(|band| band.len() + 2).sum());
    for (i, band) in bands.iter().enumerate() {
        if i > 0 {
            bytes.extend_from_slice(&[0xff, 0xd0 + ((i - 1) % 8) as u8]);
        }
        bytes.extend_from_slice(band);
    }
    bytes.extend_from_slice(&[0xff, 0xd9]);
    Some(bytes)
}

/// A band's data.
fn scan(rgb: &[u8], width: usize, mut row: Row, [luma, chroma]: &[Codes; 2]) -> Vec<u8> {
    let side = row.blocks.side;
    let mut bits = Bits::with_capacity(rgb.len() / 8);
    let mut before = [0; 3];
    for rgb in rgb.chunks(3 * width * side) {
        row.transform(rgb, width);
        let [y, cb, cr] = &row.coefficients;
        let across = cb.len();
        for (i, (cb, cr)) in cb.iter().zip(cr).enumerate() {
            let each = side / 8;
            for line in y.chunks_exact(across * each) {
                for block in &line[i * each..][..each] {
                    codes::write(&mut bits, block, &mut before[0], luma);
                }
            }
            codes::write(&mut bits, cb, &mut before[1], chroma);
            codes::write(&mut bits, cr, &mut before[2], chroma);
        }
    }
    bits.finish()
}
