//! Photos and pictures as files have them: `(H, W, C)`, a byte each. One pass over the bytes makes them the first
//! layer's, and one over the last layer's makes them: nothing is copied, cut or padded on the way.

use super::{Finish, Last};
use crate::kernels::lines::{from_bytes, level, plane_of, to_bytes, value};
use crate::kernels::plan::{Area, Buffer, Value};
use candle_core::{Result, bail};
use rayon::prelude::*;

/// What a generator sees of photos, and what it draws of them.
#[derive(Clone, Debug)]
pub struct View {
    /// The photos' height and width.
    pub size: (usize, usize),
    /// What it sees of them.
    pub source: Area,
    /// What of that it draws.
    pub kept: Area,
    /// What it sees is mirrored at its right and bottom border, which is not repeated, up to multiples of so many
    /// pixels; where that is further than it is long, its last pixels are repeated instead.
    pub multiple: usize,
}

impl View {
    /// Height and width of what the generator sees.
    pub(super) fn seen(&self) -> (usize, usize) {
        let Area { rows, columns } = &self.source;
        (rows.len().next_multiple_of(self.multiple), columns.len().next_multiple_of(self.multiple))
    }

    /// What is drawn, as a part of what is seen.
    pub(super) fn wanted(&self) -> Area {
        let Self { source, kept, .. } = self;
        Area {
            rows: kept.rows.start - source.rows.start..kept.rows.end - source.rows.start,
            columns: kept.columns.start - source.columns.start..kept.columns.end - source.columns.start,
        }
    }

    /// # Errors
    /// When the areas are empty, or do not lie in each other and the photos.
    pub(super) fn check(&self) -> Result<()> {
        let Self { size, source, kept, multiple } = self;
        let lies = |inner: &Area, outer: &Area| !inner.rows.is_empty() && !inner.columns.is_empty() && outer.has(inner);
        if *multiple == 0 || !lies(kept, source) || !lies(source, &Area::whole(size.0, size.1)) {
            bail!("{self:?} is no view of a photo");
        }
        Ok(())
    }
}

/// Photos of one size, and how they are seen.
pub(super) struct Pixels<'a> {
    pub photos: &'a [&'a [u8]],
    pub channels: usize,
    pub view: &'a View,
}

impl Pixels<'_> {
    /// Writes a row of what is seen of a photo into a buffer's, whose pixels have `channels` values.
    pub(super) fn fill<T: Value>(&self, picture: usize, y: usize, row: &mut [T], channels: usize) {
        let View { size, source: Area { rows, columns }, .. } = self.view;
        let start = (rows.start + mirrored(y, rows.len(), self.view.seen().0)) * size.1 + columns.start;
        let bytes = &self.photos[picture][start * self.channels..][..columns.len() * self.channels];
        let (seen, beyond) = row.split_at_mut(columns.len() * channels);
        match (self.channels, channels) {
            (inputs, values) if inputs == values => from_bytes::<1, 1, T>(seen, bytes),
            // As almost all photos are in bf16.
            (3, 4) => from_bytes::<3, 4, T>(seen, bytes),
            _ => {
                for (pixel, bytes) in seen.chunks_exact_mut(channels).zip(bytes.chunks_exact(self.channels)) {
                    pixel.iter_mut().zip(bytes).for_each(|(out, byte)| *out = T::of(value(*byte)));
                }
            }
        }
        for (i, pixel) in beyond.chunks_exact_mut(channels).enumerate() {
            let from = mirrored(columns.len() + i, columns.len(), self.view.seen().1);
            pixel.copy_from_slice(&seen[from * channels..][..channels]);
        }
    }

    /// Draws what is kept into the `drawings`, of the photos' size and `last`'s channels, from the last layer's
    /// `values`.
    pub(super) fn finish<T: Value>(
        &self,
        last: &Last,
        values: &Buffer<T>,
        colours: Option<&[f32]>,
        drawings: &mut [&mut [u8]],
    ) {
        let Area { rows, columns } = &self.view.kept;
        let wanted = self.view.wanted();
        // Whole pixels of values.
        let blocks = wanted.columns.start / last.block..wanted.columns.end.div_ceil(last.block);
        let before = wanted.columns.start % last.block;
        let (width, drawn) = (columns.len(), blocks.len() * last.block);
        for (n, drawing) in drawings.iter_mut().enumerate() {
            let all = drawing.par_chunks_exact_mut(self.view.size.1 * last.channels);
            let lines = all.enumerate().skip(rows.start).take(rows.len()).with_min_len(8);
            let scratch = || (vec![0.0; last.channels * drawn], vec![0.0; self.channels * width]);
            lines.for_each_init(scratch, |(picture, photo), (y, drawing)| {
                let row = y - self.view.source.rows.start;
                let pixels = &values.row(n, row / last.block)[blocks.start * values.channels..];
                let bytes = &self.photos[n][(y * self.view.size.1 + columns.start) * self.channels..];
                if let Finish::AddToPhoto = last.finish {
                    let planes = photo.chunks_exact_mut(width).enumerate();
                    planes.for_each(|(c, line)| plane(line, bytes, self.channels, c));
                }
                for (c, line) in picture.chunks_exact_mut(drawn).enumerate() {
                    last.shuffle(line, pixels, values.channels, (c, row % last.block));
                    last.finish(&mut line[before..before + width], c, |c| &photo[c * width..][..width], colours);
                }
                let line = |c: usize| &picture[c * drawn + before..][..width];
                write(&mut drawing[columns.start * last.channels..columns.end * last.channels], last.channels, line);
            });
        }
    }
}

/// Which row (or column) of `len` stands at place `i` of the `padded`.
fn mirrored(i: usize, len: usize, padded: usize) -> usize {
    match i.checked_sub(len - 1) {
        None => i,
        Some(_) if padded - len >= len => len - 1,
        Some(beyond) => len - 1 - beyond,
    }
}

/// The values of one of a pixel's `channels` bytes.
fn plane(values: &mut [f32], bytes: &[u8], channels: usize, channel: usize) {
    match channels {
        3 => plane_of::<3>(values, bytes, channel),
        _ => {
            for (out, pixel) in values.iter_mut().zip(bytes.chunks_exact(channels)) {
                *out = value(pixel[channel]);
            }
        }
    }
}

/// Pixels of `channels` bytes from the lines of each.
fn write<'a>(bytes: &mut [u8], channels: usize, line: impl Fn(usize) -> &'a [f32]) {
    match channels {
        3 => to_bytes(bytes, [0, 1, 2].map(line)),
        _ => {
            for c in 0..channels {
                for (pixel, value) in bytes.chunks_exact_mut(channels).zip(line(c)) {
                    pixel[c] = level(*value);
                }
            }
        }
    }
}
