//! Pictures as tiles read them: rounded to bf16, rows of channels with zeros around.

use super::transpose::transpose;
use super::window::Window;
use crate::kernels::aligned::Aligned;
use crate::kernels::amx::{CHUNK, TILE};
use crate::kernels::plan::Value;
use half::bf16;
use std::arch::x86_64::{_mm512_loadu_ps, _mm512_setzero_ps, _mm512_storeu_ps};
use std::ops::Range;

/// `(groups, rows, parts, channels/2, columns, 2)`: two neighbouring channels of a pixel side by side, the right factors
/// of sums over channels.
pub struct Pairs {
    values: Aligned<bf16>,
    pub window: Window,
    /// Columns of a part.
    columns: usize,
    /// Chunks of channels; the last one is filled up with zeros.
    pub chunks: usize,
}

impl Pairs {
    pub fn new(window: Window, values: &[f32]) -> Self {
        let (columns, chunks) = (window.columns(), window.channels().div_ceil(CHUNK));
        let row = window.parts * chunks * CHUNK * columns;
        let filled = Aligned::filled(window.groups() * window.rows * row, row, |i, line| {
            let (group, Some(y)) = (i / window.rows, window.row(i % window.rows)) else { return };
            for (part, line) in line.chunks_exact_mut(row / window.parts).enumerate() {
                for (pair, line) in line.chunks_exact_mut(2 * columns).take(window.channels().div_ceil(2)).enumerate() {
                    for (picture, start) in window.slots(group) {
                        let line = &mut line[2 * start..];
                        // SAFETY: whoever makes tiles has them, and AVX-512 with them.
                        unsafe { pair_channels(&window, values, (picture, y), (part, 2 * pair), line) }
                    }
                }
            }
        });
        Self { values: filled, window, columns, chunks }
    }

    /// Values from a channel pair to the next.
    pub fn pitch(&self) -> usize {
        2 * self.columns
    }

    /// Bytes of a row.
    pub fn row_bytes(&self) -> usize {
        self.window.parts * self.chunks * CHUNK * self.columns * size_of::<bf16>()
    }

    /// The first channel pair of a group's column.
    #[inline(always)]
    pub fn at(&self, group: usize, row: usize, part: usize, column: usize) -> *const bf16 {
        let line = (group * self.window.rows + row) * self.window.parts + part;
        self.values.slice()[line * self.chunks * CHUNK * self.columns + 2 * column..].as_ptr()
    }
}

/// A picture's row and where it starts in a lane of a part.
fn source<'a>(
    window: &Window,
    values: &'a [f32],
    (picture, y): (usize, usize),
    (part, channel): (usize, usize),
) -> (Range<usize>, &'a [f32]) {
    let (_, channels, height, width) = window.of;
    let (inside, from) = window.inside(part, channel % window.lanes);
    let plane = picture * channels + channel / window.lanes;
    (inside, &values[(plane * height + y) * width..][from..width])
}

/// Two channels of a picture's row, from `channel` on, into its columns of a line.
#[target_feature(enable = "avx512f,avx512bw")]
fn pair_channels(
    window: &Window,
    values: &[f32],
    row: (usize, usize),
    (part, channel): (usize, usize),
    line: &mut [bf16],
) {
    let source = |channel| source(window, values, row, (part, channel));
    let (inside, first) = source(channel);
    let second = (channel + 1 < window.channels()).then(|| source(channel + 1));
    if let Some((_, second)) = second.as_ref().filter(|(other, _)| *other == inside) {
        return interleave(first, second, window.step, &mut line[2 * inside.start..2 * inside.end]);
    }
    // The last channel alone, or lanes of a window, which have the picture's border in different columns.
    for (lane, (inside, from)) in [Some((inside, first)), second].into_iter().flatten().enumerate() {
        let pixels = line[2 * inside.start..2 * inside.end].chunks_exact_mut(2);
        for (to, from) in pixels.zip(from.iter().step_by(window.step)) {
            to[lane] = bf16::of(*from);
        }
    }
}

/// Every `step`th value of two rows, in turn.
#[target_feature(enable = "avx512f,avx512bw")]
fn interleave(first: &[f32], second: &[f32], step: usize, to: &mut [bf16]) {
    if step == 1 {
        for (to, (first, second)) in to.chunks_exact_mut(2).zip(first.iter().zip(second)) {
            (to[0], to[1]) = (bf16::of(*first), bf16::of(*second));
        }
    } else if step == 2 {
        let rows = first.chunks(2).zip(second.chunks(2));
        for (to, (first, second)) in to.chunks_exact_mut(2).zip(rows) {
            (to[0], to[1]) = (bf16::of(first[0]), bf16::of(second[0]));
        }
    } else {
        for (to, (first, second)) in to.chunks_exact_mut(2).zip(first.iter().zip(second).step_by(step)) {
            (to[0], to[1]) = (bf16::of(*first), bf16::of(*second));
        }
    }
}

/// `(⌈channels/16⌉, groups, rows, parts, 16, columns)`: the left factors of sums over pixels.
pub struct Rows {
    values: Aligned<bf16>,
    window: Window,
    columns: usize,
    /// Blocks of 16 channels; the last one is filled up with zeros.
    pub blocks: usize,
}

impl Rows {
    pub fn new(window: Window, values: &[f32]) -> Self {
        let (columns, blocks) = (window.columns(), window.channels().div_ceil(TILE));
        let part_len = TILE * columns;
        let lines = window.groups() * window.rows;
        let line = part_len * window.parts;
        let filled = Aligned::filled(blocks * lines * line, line, |i, line| {
            let (block, group) = (i / lines, i % lines / window.rows);
            let Some(y) = window.row(i % window.rows) else { return };
            for (part, line) in line.chunks_exact_mut(part_len).enumerate() {
                for (channel, line) in (block * TILE..window.channels()).zip(line.chunks_exact_mut(columns)) {
                    for (picture, start) in window.slots(group) {
                        let (inside, from) = source(&window, values, (picture, y), (part, channel));
                        // SAFETY: whoever makes tiles has them, and AVX-512 with them.
                        unsafe { round(from, window.step, &mut line[start + inside.start..start + inside.end]) }
                    }
                }
            }
        });
        Self { values: filled, window, columns, blocks }
    }

    /// Values from a channel to the next.
    pub fn pitch(&self) -> usize {
        self.columns
    }

    /// Bytes of a row of a block.
    pub fn row_bytes(&self) -> usize {
        self.window.parts * TILE * self.columns * size_of::<bf16>()
    }

    /// A block's first channel at a group's column.
    #[inline(always)]
    pub fn at(&self, block: usize, group: usize, row: usize, part: usize, column: usize) -> *const bf16 {
        let line = ((block * self.window.groups() + group) * self.window.rows + row) * self.window.parts + part;
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
    } else if step == 2 {
        for (to, from) in to.iter_mut().zip(from.chunks(2)) {
            *to = bf16::of(from[0]);
        }
    } else {
        for (to, from) in to.iter_mut().zip(from.iter().step_by(step)) {
            *to = bf16::of(*from);
        }
    }
}

/// `(⌈channels/16⌉, groups·rows, ⌈span/32⌉, 16, 16, 2)`: two neighbouring pixels of a channel side by side, the right
/// factors of sums over pixels. Between pictures side by side are zeros.
pub struct PixelPairs {
    values: Aligned<bf16>,
    lines: usize,
    /// Chunks of 32 pixels in a row; the last one is filled up with zeros.
    pub chunks: usize,
    pub blocks: usize,
}

impl PixelPairs {
    /// Of a convolution's outputs, `(N, channels, height, width)`, side by side as the inputs are that `window` lays out.
    pub fn new(window: &Window, (channels, height): (usize, usize), values: &[f32]) -> Self {
        let (chunks, blocks) = (window.span().div_ceil(CHUNK), channels.div_ceil(TILE));
        let (lines, width) = (window.groups() * height, window.width);
        let line = chunks * CHUNK * TILE;
        let filled = Aligned::filled(blocks * lines * line, line, |i, line| {
            let (block, group, y) = (i / lines, i % lines / height, i % height);
            let count = (channels - block * TILE).min(TILE);
            for (chunk, to) in line.chunks_exact_mut(CHUNK * TILE).enumerate() {
                let mut pixels = [[bf16::default(); CHUNK]; TILE];
                for piece in window.pieces(group, chunk * CHUNK) {
                    for (c, to) in pixels.iter_mut().enumerate().take(count) {
                        let row = ((piece.picture * channels + block * TILE + c) * height + y) * width;
                        let from = &values[row + piece.first..][..piece.range.len()];
                        // SAFETY: whoever makes tiles has them, and AVX-512 with them.
                        unsafe { round(from, 1, &mut to[piece.range.clone()]) }
                    }
                }
                // SAFETY: as above.
                unsafe { pair_pixels(&pixels, to) }
            }
        });
        Self { values: filled, lines, chunks, blocks }
    }

    /// Values from a pair of pixels to the next.
    pub const PITCH: usize = 2 * TILE;

    /// A block's row, counted over all groups.
    #[inline(always)]
    pub fn at(&self, block: usize, line: usize) -> *const bf16 {
        self.values.slice()[(block * self.lines + line) * self.chunks * CHUNK * TILE..].as_ptr()
    }

    /// Bytes of a row of a block.
    pub fn row_bytes(&self) -> usize {
        self.chunks * CHUNK * TILE * size_of::<bf16>()
    }
}

/// 32 pixels of 16 channels to `(16, 16, 2)`.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
fn pair_pixels(rows: &[[bf16; CHUNK]; TILE], to: &mut [bf16]) {
    let mut pairs = [_mm512_setzero_ps(); TILE];
    for (pairs, row) in pairs.iter_mut().zip(rows) {
        // SAFETY: 32 numbers of 16 bits are 16 of 32, of which only the places are changed.
        *pairs = unsafe { _mm512_loadu_ps(row.as_ptr().cast()) };
    }
    for (to, column) in to.chunks_exact_mut(2 * TILE).zip(transpose(pairs)) {
        // SAFETY: as above.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr().cast(), column) }
    }
}
