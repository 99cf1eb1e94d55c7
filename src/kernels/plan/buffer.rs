//! Memory whose start lies on a cache line, and the activations in it.

use super::kernel::{LANES, Value};
use rayon::prelude::*;
use std::marker::PhantomData;

/// A cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// `len` values from a cache line's start on.
pub(super) struct Aligned<T> {
    lines: Vec<Line>,
    len: usize,
    values: PhantomData<T>,
}

impl<T: Value> Aligned<T> {
    /// All zero: of a [`Value`], zero bits are the number 0.
    pub(super) fn zeros(len: usize) -> Self {
        let lines = vec![Line([0; 64]); (len * size_of::<T>()).div_ceil(64)];
        Self { lines, len, values: PhantomData }
    }

    pub(super) fn slice(&self) -> &[T] {
        // SAFETY: the lines hold `len` values, any bits are a value (f32 or bf16), and 64 bytes align both.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }

    pub(super) fn slice_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `slice`, and borrowed alone.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

/// Activations of a batch, channels last: `(N, H + 2·halo, W + 2·halo, C)`. Nothing but [`Buffer::fill`] writes
/// into the halo, so it stays zero.
pub struct Buffer<T> {
    /// Pictures.
    pub batch: usize,
    /// Rows without the halo.
    pub height: usize,
    /// Columns without the halo.
    pub width: usize,
    /// Values of a pixel.
    pub channels: usize,
    /// Zero pixels around each picture.
    pub halo: usize,
    values: Aligned<T>,
}

impl<T: Value> Buffer<T> {
    /// All zero.
    pub fn zeros(batch: usize, (height, width): (usize, usize), channels: usize, halo: usize) -> Self {
        let len = batch * (height + 2 * halo) * (width + 2 * halo) * channels;
        // A vector store at the last pixel of few channels may not pass the end.
        Self { batch, height, width, channels, halo, values: Aligned::zeros(len + LANES) }
    }

    /// Values from a row to the one below.
    pub(super) fn pitch(&self) -> usize {
        (self.width + 2 * self.halo) * self.channels
    }

    /// Where pixel (0, 0) of a picture starts, the halo's corner being pixel (−halo, −halo).
    pub(super) fn origin(&self, picture: usize) -> usize {
        (picture * (self.height + 2 * self.halo) + self.halo) * self.pitch() + self.halo * self.channels
    }

    pub(super) fn as_ptr(&self) -> *const T {
        self.values.slice().as_ptr()
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut T {
        self.values.slice_mut().as_mut_ptr()
    }

    /// One pixel row of a picture, `(W, C)`.
    pub fn row(&self, picture: usize, y: usize) -> &[T] {
        let start = self.origin(picture) + y * self.pitch();
        &self.values.slice()[start..start + self.width * self.channels]
    }

    /// Calls `fill(picture, y, row)` for each pixel row `(W, C)`, rows in parallel.
    pub fn fill(&mut self, fill: impl Fn(usize, usize, &mut [T]) + Sync) {
        let (pitch, halo, height) = (self.pitch(), self.halo, self.height);
        let (inside, rows) = (halo * self.channels, height + 2 * halo);
        let len = self.width * self.channels;
        let values = &mut self.values.slice_mut()[..self.batch * rows * pitch];
        values.par_chunks_mut(pitch).with_min_len(8).enumerate().for_each(|(i, line)| {
            let (picture, y) = (i / rows, i % rows);
            if (halo..halo + height).contains(&y) {
                fill(picture, y - halo, &mut line[inside..inside + len]);
            }
        });
    }
}
