//! The weight gradient: sums over the pixels of all pictures, for 32 input and 32 output channels at a time.

use super::layout::{PixelPairs, Rows, Window};
use crate::kernels::amx::{self, CHUNK, Factors, TILE};
use crate::kernels::geometry::Geometry;
use crate::kernels::matmul::Target;
use crate::kernels::plan::{Sums, Value};
use half::bf16;
use rayon::prelude::*;

/// Bytes of both sides' rows that should stay in the L2 cache.
const CACHE: usize = 512 * 1024;

/// See [`super::weight_gradient`].
pub fn weight_gradient(g: &Geometry, x: &[f32], y: &[f32], w: &mut [f32]) {
    let left = Rows::new(Window::seen(g), x);
    let right = PixelPairs::new((g.batch, g.out_channels, g.output.0, g.output.1), y);
    let strip = (CACHE / (2 * g.stride * left.row_bytes() + 2 * right.row_bytes())).clamp(1, g.output.0);
    let taps = g.kernel * g.kernel;
    let (inputs, outputs) = (left.blocks.div_ceil(2), right.blocks.div_ceil(2));
    // How the taps are cut changes no sum: a task has whole ones.
    let splits = (4 * rayon::current_num_threads()).div_ceil(inputs * outputs).min(taps);
    let target = Target::new(w);
    (0..inputs * outputs * splits).into_par_iter().for_each(|i| {
        let (split, input, output) = (i % splits, 2 * (i / splits % inputs), 2 * (i / splits / inputs));
        let taps = taps * split / splits..taps * (split + 1) / splits;
        let mut sums: Vec<Sums> = taps.clone().map(|_| Sums([[0.0; 2 * TILE]; 2 * TILE])).collect();
        // SAFETY: `fits` has asked for AMX.
        unsafe {
            amx::with_tiles(|| {
                for picture in 0..g.batch {
                    for first in (0..g.output.0).step_by(strip) {
                        let rows = first..(first + strip).min(g.output.0);
                        for (tap, sums) in taps.clone().zip(&mut sums) {
                            amx::resume(sums.0.as_ptr().cast());
                            add((&left, &right), (input, output), g, (picture, rows.clone()), tap);
                            amx::store::<true>(sums.0.as_mut_ptr().cast(), TILE);
                        }
                    }
                }
            });
        }
        let channels = |first: usize, count: usize| first * TILE..((first + 2) * TILE).min(count);
        for (row, o) in channels(output, g.out_channels).enumerate() {
            for (column, c) in channels(input, g.in_channels).enumerate() {
                let at = (o * g.in_channels + c) * g.kernel * g.kernel;
                // SAFETY: no other task has these taps of these channels, and the target is borrowed for as long.
                let to = unsafe { target.slice(at + taps.start, taps.len()) };
                for (to, sums) in to.iter_mut().zip(&sums) {
                    *to = bf16::of(sums.0[column][row]).f32();
                }
            }
        }
    });
}

/// Adds the products over some output rows of a picture, seen through a tap.
///
/// # Safety
/// Called inside [`amx::with_tiles`].
unsafe fn add(
    (left, right): (&Rows, &PixelPairs),
    (input, output): (usize, usize),
    g: &Geometry,
    (picture, rows): (usize, std::ops::Range<usize>),
    tap: usize,
) {
    let (tall, wide) = (input + 1 < left.blocks, output + 1 < right.blocks);
    for row in rows {
        let line = picture * g.output.0 + row;
        let near = right.at(output, line);
        let far = if wide { right.at(output + 1, line) } else { near };
        let place = |block| left.at(block, picture, row * g.stride + tap / g.kernel, tap % g.kernel);
        let first = place(input);
        let second = if tall { place(input + 1) } else { first };
        let left = Factors { tiles: [first, second], pitch: left.pitch(), step: CHUNK };
        let factors = Factors { tiles: [near, far], pitch: PixelPairs::PITCH, step: CHUNK * TILE };
        // SAFETY: a row of the left side has 31 columns beyond those that are read, the right one whole chunks.
        unsafe {
            match (tall, wide) {
                (true, true) => amx::add::<true, true>(&left, &factors, right.chunks),
                (true, false) => amx::add::<true, false>(&left, &factors, right.chunks),
                (false, true) => amx::add::<false, true>(&left, &factors, right.chunks),
                (false, false) => amx::add::<false, false>(&left, &factors, right.chunks),
            }
        }
    }
}
