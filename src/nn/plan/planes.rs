//! Photos and pictures as tensors have them: `(N, C, H, W)` in −1..1.

use super::Last;
use crate::kernels::fresh::zeros;
use crate::kernels::lines::interleave;
use crate::kernels::plan::{Buffer, Value};
use rayon::prelude::*;

/// Photos of `channels` planes of `height` × `width`.
pub(super) struct Planes<'a> {
    pub values: &'a [f32],
    pub channels: usize,
    pub height: usize,
    pub width: usize,
}

impl Planes<'_> {
    fn line(&self, picture: usize, channel: usize, y: usize) -> &[f32] {
        &self.values[((picture * self.channels + channel) * self.height + y) * self.width..][..self.width]
    }

    /// Writes a row of a photo into a buffer's, whose pixels have `channels` values.
    pub(super) fn fill<T: Value>(&self, picture: usize, y: usize, row: &mut [T], channels: usize) {
        let line = |c| self.line(picture, c, y);
        match (self.channels, channels) {
            // As almost all photos are, in f32 and in bf16.
            (3, 3) => interleave::<3, _>(row, [0, 1, 2].map(line)),
            (3, 4) => interleave::<4, _>(row, [0, 1, 2].map(line)),
            _ => {
                for c in 0..self.channels {
                    for (pixel, value) in row.chunks_exact_mut(channels).zip(line(c)) {
                        pixel[c] = T::of(*value);
                    }
                }
            }
        }
    }

    /// The pictures of the last layer's `values`, of the photos' size.
    pub(super) fn finish<T: Value>(&self, last: &Last, values: &Buffer<T>, colours: Option<&[f32]>) -> Vec<f32> {
        let Last { block, channels, .. } = *last;
        let mut pictures = zeros(values.batch * channels * self.height * self.width);
        // All lines that a row of values becomes, so that it is read once: those of each channel lie far apart.
        let mut lines: Vec<Vec<&mut [f32]>> = (0..values.batch * values.height).map(|_| Vec::new()).collect();
        for (i, line) in pictures.chunks_exact_mut(block * self.width).enumerate() {
            let (plane, y) = (i / values.height, i % values.height);
            lines[plane / channels * values.height + y].push(line);
        }
        lines.into_par_iter().with_min_len(4).enumerate().for_each(|(i, lines)| {
            let (n, row) = (i / values.height, i % values.height);
            let pixels = values.row(n, row);
            for (c, lines) in lines.into_iter().enumerate() {
                for (i, line) in lines.chunks_exact_mut(self.width).enumerate() {
                    last.shuffle(line, pixels, values.channels, (c, i));
                    last.finish(line, c, |channel| self.line(n, channel, row * block + i), colours);
                }
            }
        });
        pictures
    }
}
