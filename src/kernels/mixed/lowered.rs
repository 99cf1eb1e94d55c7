//! Convolutions to few pixels and their weight gradients: the windows of all pictures side by side in one matrix, weights
//! as they lie. Weights are most of what is read and written here, so each is read once.

use super::layout::round;
use crate::kernels::aligned::Aligned;
use crate::kernels::amx::{self, CHUNK, Factors, TILE};
use crate::kernels::geometry::Geometry;
use crate::kernels::matmul::Target;
use crate::kernels::plan::{Sums, Value};
use half::bf16;
use rayon::prelude::*;
use std::ops::Range;

/// Output pixels of all pictures.
pub fn pixels(g: &Geometry) -> usize {
    g.batch * g.out_pixels()
}

/// Calls `each(place in the window, pixel, value)` for a channel's windows where they lie inside of the pictures.
#[inline(always)]
fn windows(g: &Geometry, x: &[f32], channel: usize, mut each: impl FnMut(usize, usize, f32)) {
    for picture in 0..g.batch {
        let plane = &x[(picture * g.in_channels + channel) * g.in_pixels()..][..g.in_pixels()];
        for (tap, row) in (0..g.kernel * g.kernel).flat_map(|tap| (0..g.output.0).map(move |row| (tap, row))) {
            let Some(y) = (row * g.stride + tap / g.kernel).checked_sub(g.padding).filter(|y| *y < g.input.0) else {
                continue;
            };
            for column in 0..g.output.1 {
                let at = (column * g.stride + tap % g.kernel).checked_sub(g.padding);
                if let Some(at) = at.filter(|at| *at < g.input.1) {
                    each(tap, picture * g.out_pixels() + row * g.output.1 + column, plane[y * g.input.1 + at]);
                }
            }
        }
    }
}

/// `(N, C, pixels)` as rows of channels over all pictures, `pitch` values apart and as many as tiles take.
fn rows(y: &[f32], (batch, channels): (usize, usize), pitch: usize) -> Aligned<bf16> {
    let each = y.len() / (batch * channels);
    let mut to = Aligned::<bf16>::zeros(channels.next_multiple_of(2 * TILE) * pitch);
    for (channel, to) in to.slice_mut().chunks_exact_mut(pitch).take(channels).enumerate() {
        for (picture, to) in to.chunks_exact_mut(each).take(batch).enumerate() {
            // SAFETY: whoever makes tiles has them, and AVX-512 with them.
            unsafe { round(&y[(picture * channels + channel) * each..][..each], 1, to) }
        }
    }
    to
}

/// Blocks of 32 rows of `count`, whole at the end too.
fn blocks(count: usize) -> impl Iterator<Item = (usize, Range<usize>)> {
    (0..count).step_by(2 * TILE).enumerate().map(move |(i, first)| (i, first..(first + 2 * TILE).min(count)))
}

/// The sums of `chunks` products of two tiles of rows, `left` and 16 rows on, and two of columns.
///
/// # Safety
/// Called inside [`amx::with_tiles`]; both sides are as large as that.
#[inline(always)]
unsafe fn product(left: (*const bf16, usize), right: [(*const bf16, usize); 2], step: usize, chunks: usize) -> Sums {
    let mut sums = Sums([[0.0; 2 * TILE]; 2 * TILE]);
    let [near, far] = right;
    let left = Factors { tiles: [left.0, left.0.wrapping_add(TILE * left.1)], pitch: left.1, step: CHUNK };
    let right = Factors { tiles: [near.0, far.0], pitch: near.1, step };
    // SAFETY: as the caller says.
    unsafe {
        amx::clear();
        amx::add::<true, true>(&left, &right, chunks);
        amx::store::<true>(sums.0.as_mut_ptr().cast(), TILE);
    }
    sums
}

/// See [`super::forward`].
pub fn forward(g: &Geometry, x: &[f32], w: &[f32], y: &mut [f32]) {
    let (window, taps, count) = (g.window(), g.kernel * g.kernel, pixels(g));
    let (depth, columns) = (window.next_multiple_of(CHUNK), count.next_multiple_of(2 * TILE));
    // `(depth/2, columns, 2)`.
    let mut right = Aligned::<bf16>::zeros(depth * columns);
    right.slice_mut().par_chunks_mut(2 * taps * columns).enumerate().for_each(|(pair, to)| {
        for (i, channel) in (2 * pair..g.in_channels.min(2 * pair + 2)).enumerate() {
            windows(g, x, channel, |tap, pixel, value| {
                let place = i * taps + tap;
                to[(place / 2 * columns + pixel) * 2 + place % 2] = bf16::of(value);
            });
        }
    });
    let (right, target, each) = (right.slice(), Target::new(y), g.out_pixels());
    (0..g.out_channels.div_ceil(2 * TILE)).into_par_iter().for_each(|block| {
        let channels = block * 2 * TILE..((block + 1) * 2 * TILE).min(g.out_channels);
        let mut left = Aligned::<bf16>::zeros(2 * TILE * depth);
        for (channel, to) in channels.clone().zip(left.slice_mut().chunks_exact_mut(depth)) {
            // SAFETY: AVX-512 comes with AMX.
            unsafe { round(&w[channel * window..][..window], 1, to) }
        }
        let left = left.slice().as_ptr();
        // SAFETY: `fits` has asked for AMX; the left side has 32 rows, the right one whole blocks of columns. No other
        // task has these channels, and the target is borrowed for as long.
        unsafe {
            amx::with_tiles(|| {
                for (_, pixels) in blocks(count) {
                    let right = right.as_ptr().add(2 * pixels.start);
                    let right = [right, right.add(2 * TILE)].map(|right| (right, 2 * columns));
                    let sums = product((left, depth), right, CHUNK / 2 * 2 * columns, depth / CHUNK);
                    for (channel, sums) in channels.clone().zip(&sums.0) {
                        for (pixel, sum) in pixels.clone().zip(sums) {
                            let at = (pixel / each * g.out_channels + channel) * each + pixel % each;
                            target.slice(at, 1)[0] = bf16::of(*sum).f32();
                        }
                    }
                }
            });
        }
    });
}

/// See [`super::weight_gradient`].
pub fn weight_gradient(g: &Geometry, x: &[f32], y: &[f32], w: &mut [f32]) {
    let (window, taps, count) = (g.window(), g.kernel * g.kernel, pixels(g));
    let depth = count.next_multiple_of(CHUNK);
    let left = rows(y, (g.batch, g.out_channels), depth);
    let (left, target) = (left.slice(), Target::new(w));
    // Some channels, all their places in windows: `(blocks of 16 places, depth/2, 16, 2)`.
    (0..g.in_channels.div_ceil(TILE)).into_par_iter().for_each(|block| {
        let channels = block * TILE..((block + 1) * TILE).min(g.in_channels);
        let places = channels.len() * taps;
        let panel = depth * TILE;
        let mut right = Aligned::<bf16>::zeros(places.div_ceil(TILE).next_multiple_of(2) * panel);
        for (i, channel) in channels.clone().enumerate() {
            let to = right.slice_mut();
            windows(g, x, channel, |tap, pixel, value| {
                let place = i * taps + tap;
                to[place / TILE * panel + (pixel / 2 * TILE + place % TILE) * 2 + pixel % 2] = bf16::of(value);
            });
        }
        let right = right.slice().as_ptr();
        // SAFETY: `fits` has asked for AMX; the left side has whole blocks of rows, the right one of columns. No other
        // task has these channels, and the target is borrowed for as long.
        unsafe {
            amx::with_tiles(|| {
                for (_, outputs) in blocks(g.out_channels) {
                    let left = left.as_ptr().add(outputs.start * depth);
                    for (pair, places) in blocks(places) {
                        let right = [2 * pair, 2 * pair + 1].map(|i| (right.add(i * panel), 2 * TILE));
                        let sums = product((left, depth), right, CHUNK * TILE, depth / CHUNK);
                        for (output, sums) in outputs.clone().zip(&sums.0) {
                            let at = output * window + channels.start * taps + places.start;
                            for (to, sum) in target.slice(at, places.len()).iter_mut().zip(sums) {
                                *to = bf16::of(*sum).f32();
                            }
                        }
                    }
                }
            });
        }
    });
}
