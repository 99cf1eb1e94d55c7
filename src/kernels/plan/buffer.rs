//! A plan's activations.

use super::kernel::{LANES, Value};
use crate::kernels::aligned::Aligned;
use rayon::prelude::*;

/// Values after the last pixel: a vector stored there, or the chunk that a window's last row is rounded up to, may not
/// pass the end.
const BEYOND: usize = 2 * LANES;

/// Activations of a batch, channels last: `(N, H + 2·halo, W + 2·halo, C)`. Nothing but [`Buffer::mirror`] writes into
/// the halo; else it stays zero.
pub struct Buffer<T> {
    /// Pictures.
    pub batch: usize,
    /// Rows without the halo.
    pub height: usize,
    /// Columns without the halo.
    pub width: usize,
    /// Values of a pixel.
    pub channels: usize,
    /// Pixels around each picture, zero or mirrored.
    pub halo: usize,
    values: Aligned<T>,
}

impl<T: Value> Buffer<T> {
    /// All zero.
    pub fn zeros(batch: usize, (height, width): (usize, usize), channels: usize, halo: usize) -> Self {
        let len = batch * (height + 2 * halo) * (width + 2 * halo) * channels;
        Self { batch, height, width, channels, halo, values: Aligned::zeros(len + BEYOND) }
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

    /// Mirrors each picture about its borders, which are not repeated, `by` pixels far into the halo; where a side is
    /// too short, its last pixel stands for what is not there.
    pub fn mirror(&mut self, by: usize) {
        assert!(by <= self.halo && self.height > 0 && self.width > 0);
        let (pitch, channels, halo) = (self.pitch(), self.channels, self.halo);
        let (height, width) = (self.height, self.width);
        for picture in 0..self.batch {
            let top = picture * (height + 2 * halo);
            let values = &mut self.values.slice_mut()[top * pitch..(top + height + 2 * halo) * pitch];
            for row in values[halo * pitch..(halo + height) * pitch].chunks_exact_mut(pitch) {
                let mut copy = |from: usize, to: usize| {
                    row.copy_within(from * channels..(from + 1) * channels, to * channels);
                };
                for i in 1..=by {
                    copy(halo + i.min(width - 1), halo - i);
                    copy(halo + (width - 1).saturating_sub(i), halo + width - 1 + i);
                }
            }
            let mut copy = |from: usize, to: usize| values.copy_within(from * pitch..(from + 1) * pitch, to * pitch);
            for i in 1..=by {
                copy(halo + i.min(height - 1), halo - i);
                copy(halo + (height - 1).saturating_sub(i), halo + height - 1 + i);
            }
        }
    }
}
