//! Pictures as tiles read them: rounded to bf16, rows of channels with zeros around.
//!
//! A strided convolution reads every so many columns; so each row is kept in as many parts, one a remainder of the
//! column, in which what it reads lies side by side.

use super::transpose::transpose;
use crate::kernels::aligned::Aligned;
use crate::kernels::amx::{CHUNK, TILE};
use crate::kernels::geometry::Geometry;
use crate::kernels::plan::Value;
use half::bf16;
use rayon::prelude::*;
use std::arch::x86_64::{_mm512_loadu_ps, _mm512_setzero_ps, _mm512_storeu_ps};

/// Which pixels of `(N, C, H, W)` a layout holds.
#[derive(Clone, Copy)]
pub struct Window {
    /// Pictures, channels, height and width of what it is made from.
    pub of: (usize, usize, usize, usize),
    /// Its first row and column; what lies outside of the picture is zero.
    pub origin: (isize, isize),
    /// Its rows.
    pub rows: usize,
    /// Columns of each part that are read; some more are there.
    pub columns: usize,
    /// Parts of a row.
    pub parts: usize,
}

impl Window {
    /// What all windows of a convolution see of its input.
    pub fn seen(g: &Geometry) -> Self {
        let cover = |side: usize| (side - 1) * g.stride + g.kernel;
        let padding = -(g.padding as isize);
        Self {
            of: (g.batch, g.in_channels, g.input.0, g.input.1),
            origin: (padding, padding),
            rows: cover(g.output.0),
            columns: cover(g.output.1).div_ceil(g.stride),
            parts: g.stride,
        }
    }

    /// The row of the picture under a row, if it has one.
    fn row(&self, row: usize) -> Option<usize> {
        let row = row as isize + self.origin.0;
        usize::try_from(row).ok().filter(|row| *row < self.of.2)
    }

    /// The columns of a part that the picture has, and the first one's place there.
    fn inside(&self, part: usize, columns: usize) -> (std::ops::Range<usize>, usize) {
        let (parts, width) = (self.parts as isize, self.of.3 as isize);
        let place = |column: usize| column as isize * parts + part as isize + self.origin.1;
        let first = (0..columns).find(|&column| place(column) >= 0).unwrap_or(columns);
        let end = (first..columns).find(|&column| place(column) >= width).unwrap_or(columns);
        (first..end, place(first).max(0) as usize)
    }
}

/// `columns`, made a multiple of `of` values that is no multiple of 2·`of`: rows so far apart fall on all lines of the
/// L1 cache.
fn odd_multiple(columns: usize, of: usize) -> usize {
    (columns.div_ceil(of) | 1) * of
}

/// `(N, rows, parts, channels/2, columns, 2)`: two neighbouring channels of a pixel side by side, the right factors of
/// sums over channels.
pub struct Pairs {
    values: Aligned<bf16>,
    window: Window,
    /// Columns of a part.
    columns: usize,
    /// Chunks of channels; the last one is filled up with zeros.
    pub chunks: usize,
}

impl Pairs {
    pub fn new(window: Window, values: &[f32]) -> Self {
        let (batch, channels, height, width) = window.of;
        let columns = odd_multiple(window.columns + 2 * TILE - 1, TILE);
        let chunks = channels.div_ceil(CHUNK);
        let row = window.parts * chunks * CHUNK * columns;
        let mut to = Aligned::<bf16>::zeros(batch * window.rows * row);
        to.slice_mut().par_chunks_exact_mut(row).enumerate().for_each(|(i, line)| {
            let (picture, Some(y)) = (i / window.rows, window.row(i % window.rows)) else { return };
            for (part, line) in line.chunks_exact_mut(row / window.parts).enumerate() {
                let (inside, from) = window.inside(part, columns);
                for (pair, line) in line.chunks_exact_mut(2 * columns).take(channels.div_ceil(2)).enumerate() {
                    let plane = |channel: usize| {
                        &values[((picture * channels + channel) * height + y) * width..][..width][from.min(width)..]
                    };
                    let line = &mut line[2 * inside.start..2 * inside.end];
                    let second = if 2 * pair + 1 < channels { plane(2 * pair + 1) } else { &[] };
                    // SAFETY: whoever makes tiles has them, and AVX-512 with them.
                    unsafe { interleave(plane(2 * pair), second, window.parts, line) }
                }
            }
        });
        Self { values: to, window, columns, chunks }
    }

    /// Values from a channel pair to the next.
    pub fn pitch(&self) -> usize {
        2 * self.columns
    }

    /// Bytes of a row.
    pub fn row_bytes(&self) -> usize {
        self.window.parts * self.chunks * CHUNK * self.columns * size_of::<bf16>()
    }

    /// The first channel pair of a pixel.
    #[inline(always)]
    pub fn at(&self, picture: usize, row: usize, column: usize) -> *const bf16 {
        let (part, column) = (column % self.window.parts, column / self.window.parts);
        let line = (picture * self.window.rows + row) * self.window.parts + part;
        self.values.slice()[line * self.chunks * CHUNK * self.columns + 2 * column..].as_ptr()
    }
}

/// Every `step`th value of two rows, in turn; of a second row that is empty zeros.
#[target_feature(enable = "avx512f,avx512bw")]
pub fn interleave(first: &[f32], second: &[f32], step: usize, to: &mut [bf16]) {
    if second.is_empty() {
        for (to, first) in to.chunks_exact_mut(2).zip(first.iter().step_by(step)) {
            to[0] = bf16::of(*first);
        }
    } else if step == 1 {
        for (to, (first, second)) in to.chunks_exact_mut(2).zip(first.iter().zip(second)) {
            (to[0], to[1]) = (bf16::of(*first), bf16::of(*second));
        }
    } else {
        for (to, (first, second)) in to.chunks_exact_mut(2).zip(first.iter().zip(second).step_by(step)) {
            (to[0], to[1]) = (bf16::of(*first), bf16::of(*second));
        }
    }
}

/// `(⌈channels/16⌉, N, rows, parts, 16, columns)`: the left factors of sums over pixels.
pub struct Rows {
    values: Aligned<bf16>,
    window: Window,
    columns: usize,
    /// Blocks of 16 channels; the last one is filled up with zeros.
    pub blocks: usize,
}

impl Rows {
    pub fn new(window: Window, values: &[f32]) -> Self {
        let (batch, channels, height, width) = window.of;
        let columns = odd_multiple(window.columns + CHUNK - 1, CHUNK);
        let blocks = channels.div_ceil(TILE);
        let part_len = TILE * columns;
        let mut to = Aligned::<bf16>::zeros(blocks * batch * window.rows * window.parts * part_len);
        to.slice_mut().par_chunks_exact_mut(part_len * window.parts).enumerate().for_each(|(i, line)| {
            let (block, picture) = (i / window.rows / batch, i / window.rows % batch);
            let Some(y) = window.row(i % window.rows) else { return };
            for (part, line) in line.chunks_exact_mut(part_len).enumerate() {
                let (inside, from) = window.inside(part, columns);
                let channels_here = (channels - block * TILE).min(TILE);
                for (c, line) in line.chunks_exact_mut(columns).take(channels_here).enumerate() {
                    let plane = (picture * channels + block * TILE + c) * height + y;
                    let from = &values[plane * width..][..width][from.min(width)..];
                    // SAFETY: whoever makes tiles has them, and AVX-512 with them.
                    unsafe { round(from, window.parts, &mut line[inside.clone()]) }
                }
            }
        });
        Self { values: to, window, columns, blocks }
    }

    /// Values from a channel to the next.
    pub fn pitch(&self) -> usize {
        self.columns
    }

    /// Bytes of a row of a block.
    pub fn row_bytes(&self) -> usize {
        self.window.parts * TILE * self.columns * size_of::<bf16>()
    }

    /// A block's first channel at a pixel.
    #[inline(always)]
    pub fn at(&self, block: usize, picture: usize, row: usize, column: usize) -> *const bf16 {
        let (part, column) = (column % self.window.parts, column / self.window.parts);
        let line = ((block * self.window.of.0 + picture) * self.window.rows + row) * self.window.parts + part;
        self.values.slice()[line * TILE * self.columns + column..].as_ptr()
    }
}

/// Every `step`th value, rounded.
#[target_feature(enable = "avx512f,avx512bw")]
pub fn round(from: &[f32], step: usize, to: &mut [bf16]) {
    if step == 1 {
        for (to, from) in to.iter_mut().zip(from) {
            *to = bf16::of(*from);
        }
    } else {
        for (to, from) in to.iter_mut().zip(from.iter().step_by(step)) {
            *to = bf16::of(*from);
        }
    }
}

/// `(⌈channels/16⌉, N·rows, ⌈columns/32⌉, 16, 16, 2)`: two neighbouring pixels of a channel side by side, the right
/// factors of sums over pixels.
pub struct PixelPairs {
    values: Aligned<bf16>,
    lines: usize,
    /// Chunks of 32 pixels in a row; the last one is filled up with zeros.
    pub chunks: usize,
    pub blocks: usize,
}

impl PixelPairs {
    /// Of `(N, C, H, W)`.
    pub fn new((batch, channels, height, width): (usize, usize, usize, usize), values: &[f32]) -> Self {
        let (chunks, blocks, lines) = (width.div_ceil(CHUNK), channels.div_ceil(TILE), batch * height);
        let line_len = chunks * CHUNK * TILE;
        let mut to = Aligned::<bf16>::zeros(blocks * lines * line_len);
        to.slice_mut().par_chunks_exact_mut(line_len).enumerate().for_each(|(i, line)| {
            let (block, picture, y) = (i / lines, i % lines / height, i % height);
            let row = |c: usize| {
                let plane = (picture * channels + block * TILE + c) * height + y;
                &values[plane * width..][..width]
            };
            let rows: Vec<_> = (0..(channels - block * TILE).min(TILE)).map(row).collect();
            // SAFETY: whoever makes tiles has them, and AVX-512 with them.
            unsafe { pair_pixels(&rows, line) }
        });
        Self { values: to, lines, chunks, blocks }
    }

    /// Values from a pair of pixels to the next.
    pub const PITCH: usize = 2 * TILE;

    /// A block's row, counted over all pictures.
    #[inline(always)]
    pub fn at(&self, block: usize, line: usize) -> *const bf16 {
        self.values.slice()[(block * self.lines + line) * self.chunks * CHUNK * TILE..].as_ptr()
    }

    /// Bytes of a row of a block.
    pub fn row_bytes(&self) -> usize {
        self.chunks * CHUNK * TILE * size_of::<bf16>()
    }
}

/// Rows of up to 16 channels to `(⌈columns/32⌉, 16, 16, 2)`.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
fn pair_pixels(rows: &[&[f32]], to: &mut [bf16]) {
    for (chunk, to) in to.chunks_exact_mut(CHUNK * TILE).enumerate() {
        let mut pairs = [_mm512_setzero_ps(); TILE];
        for (pairs, row) in pairs.iter_mut().zip(rows) {
            let row = &row[(chunk * CHUNK).min(row.len())..];
            let mut pixels = [bf16::default(); CHUNK];
            round(row, 1, &mut pixels);
            // SAFETY: 32 numbers of 16 bits are 16 of 32, of which only the places are changed.
            *pairs = unsafe { _mm512_loadu_ps(pixels.as_ptr().cast()) };
        }
        for (to, column) in to.chunks_exact_mut(2 * TILE).zip(transpose(pairs)) {
            // SAFETY: as above.
            unsafe { _mm512_storeu_ps(to.as_mut_ptr().cast(), column) }
        }
    }
}
