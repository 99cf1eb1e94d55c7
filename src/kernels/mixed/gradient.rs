//! The weight gradient: sums over the pixels of all pictures, for 32 input and 32 output channels at a time.

use super::layout::{PixelPairs, Rows};
use super::transpose::{SIDE, transpose};
use super::weights::transpose_windows;
use super::window::{Tap, Window};
use crate::kernels::amx::{self, CHUNK, Factors, TILE};
use crate::kernels::geometry::Geometry;
use crate::kernels::matmul::Target;
use crate::kernels::plan::{Sums, Value};
use half::bf16;
use rayon::prelude::*;
use std::arch::x86_64::{_mm512_loadu_ps, _mm512_setzero_ps, _mm512_storeu_ps};

/// Bytes of both sides' rows that should stay in the L2 cache.
const CACHE: usize = 512 * 1024;

/// See [`super::weight_gradient`].
pub fn weight_gradient(g: &Geometry, x: &[f32], y: &[f32], w: &mut [f32]) {
    let window = Window::seen(g, CHUNK);
    let left = Rows::new(window, x);
    let right = PixelPairs::new(&window, (g.out_channels, g.output.0), y);
    let strip = (CACHE / (2 * g.stride * left.row_bytes() + 2 * right.row_bytes())).clamp(1, g.output.0);
    let (all, channels) = (window.taps(g), window.channels());
    let (inputs, outputs) = (left.blocks.div_ceil(2), right.blocks.div_ceil(2));
    // How the taps are cut changes no sum: a task has whole ones.
    let splits = (4 * rayon::current_num_threads()).div_ceil(inputs * outputs).min(all.len());
    let target = Target::new(w);
    (0..inputs * outputs * splits).into_par_iter().for_each(|i| {
        let (split, input, output) = (i % splits, 2 * (i / splits % inputs), 2 * (i / splits / inputs));
        let begin = all.len() * split / splits;
        let taps = &all[begin..all.len() * (split + 1) / splits];
        let mut sums: Vec<Sums> = taps.iter().map(|_| Sums([[0.0; 2 * TILE]; 2 * TILE])).collect();
        // SAFETY: `fits` has asked for AMX.
        unsafe {
            amx::with_tiles(|| {
                for group in 0..window.groups() {
                    for first in (0..g.output.0).step_by(strip) {
                        let rows = first..(first + strip).min(g.output.0);
                        for (tap, sums) in taps.iter().zip(&mut sums) {
                            amx::resume(sums.0.as_ptr().cast());
                            add((&left, &right), (input, output), g, (group, rows.clone()), tap);
                            amx::store::<true>(sums.0.as_mut_ptr().cast(), TILE);
                        }
                    }
                }
            });
        }
        let of_block = |first: usize, count: usize| first * TILE..((first + 2) * TILE).min(count);
        let (outputs, inputs) = (of_block(output, g.out_channels), of_block(input, channels));
        for (column, c) in inputs.enumerate() {
            for (block, outputs) in outputs.clone().step_by(TILE).map(|o| o..outputs.end.min(o + TILE)).enumerate() {
                for (first, sums) in (0..).step_by(SIDE).zip(sums.chunks(SIDE)) {
                    // SAFETY: AVX-512 comes with AMX.
                    let by_output = unsafe { transposed(sums, column, block) };
                    for (o, values) in outputs.clone().zip(&by_output) {
                        let at = (o * channels + c) * all.len() + begin + first;
                        // SAFETY: no other task has these taps of these channels, and the target is borrowed for as
                        // long.
                        unsafe { target.slice(at, sums.len()) }.copy_from_slice(&values[..sums.len()]);
                    }
                }
            }
        }
    });
    if window.lanes > 1 {
        transpose_windows(w, g.kernel);
    }
}

/// A column's sums of up to 16 taps in one of its two blocks of outputs, rounded: by output instead of by tap.
#[target_feature(enable = "avx512f,avx512bw")]
fn transposed(sums: &[Sums], column: usize, block: usize) -> [[f32; SIDE]; SIDE] {
    let mut rows = [_mm512_setzero_ps(); SIDE];
    for (row, sums) in rows.iter_mut().zip(sums) {
        let of_tap = sums.0[column][block * TILE..][..TILE].iter();
        let mut rounded = [0f32; SIDE];
        rounded.iter_mut().zip(of_tap).for_each(|(to, sum)| *to = bf16::of(*sum).f32());
        // SAFETY: the array has 16 values.
        *row = unsafe { _mm512_loadu_ps(rounded.as_ptr()) };
    }
    let mut columns = [[0f32; SIDE]; SIDE];
    for (to, column) in columns.iter_mut().zip(transpose(rows)) {
        // SAFETY: as above.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), column) }
    }
    columns
}

/// Adds the products over some output rows of a group of pictures, seen through a tap.
///
/// # Safety
/// Called inside [`amx::with_tiles`].
unsafe fn add(
    (left, right): (&Rows, &PixelPairs),
    (input, output): (usize, usize),
    g: &Geometry,
    (group, rows): (usize, std::ops::Range<usize>),
    tap: &Tap,
) {
    let (tall, wide) = (input + 1 < left.blocks, output + 1 < right.blocks);
    for row in rows {
        let line = group * g.output.0 + row;
        let near = right.at(output, line);
        let far = if wide { right.at(output + 1, line) } else { near };
        let place = |block| left.at(block, group, row * g.stride + tap.row, tap.part, tap.column);
        let first = place(input);
        let second = if tall { place(input + 1) } else { first };
        let left = Factors { tiles: [first, second], pitch: left.pitch(), step: CHUNK };
        let factors = Factors { tiles: [near, far], pitch: PixelPairs::PITCH, step: CHUNK * TILE };
        // SAFETY: a row of the left side can be read from any tap on for all chunks of the right side.
        unsafe { amx::add_where((tall, wide), &left, &factors, right.chunks) }
    }
}
