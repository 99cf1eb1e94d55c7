//! Convolution and its adjoint: weights are the left factors, pictures the right ones, and what comes out lies as
//! planes do. The adjoint of a strided convolution has a phase for each remainder of the output's row and column.

use super::layout::{Pairs, Window};
use super::weights::Weights;
use crate::kernels::amx::{self, CHUNK, Factors, TILE};
use crate::kernels::geometry::Geometry;
use crate::kernels::matmul::Target;
use crate::kernels::plan::{Sums, Value};
use half::bf16;
use rayon::prelude::*;

/// Bytes of pictures that should stay in the L2 cache beside the weights of a task.
const CACHE: usize = 512 * 1024;

/// One tap of a window: where it is in the pictures, from an output pixel's own place on, and in the weights.
#[derive(Clone, Copy)]
struct Tap {
    row: usize,
    column: usize,
    weight: usize,
}

/// Output pixels that share their taps.
struct Phase {
    first: (usize, usize),
    size: (usize, usize),
    taps: Vec<Tap>,
}

/// What both faces are: sums over the channels of windows.
struct Correlation<'a> {
    pictures: Pairs,
    weights: Weights,
    /// Pixels of the pictures from an output pixel of a phase to the next.
    step: usize,
    /// Output pixels from one of a phase to the next.
    grid: usize,
    phases: Vec<Phase>,
    batch: usize,
    /// Channels, height and width of the outputs.
    to: (usize, usize, usize),
    target: &'a mut [f32],
}

/// See [`super::forward`].
pub fn forward(g: &Geometry, x: &[f32], w: &[f32], y: &mut [f32]) {
    let tap = |i: usize| Tap { row: i / g.kernel, column: i % g.kernel, weight: i };
    let taps = g.kernel * g.kernel;
    Correlation {
        pictures: Pairs::new(Window::seen(g), x),
        weights: Weights::new(w, (g.out_channels, g.window()), (g.in_channels, taps), taps),
        step: g.stride,
        grid: 1,
        phases: vec![Phase { first: (0, 0), size: g.output, taps: (0..taps).map(tap).collect() }],
        batch: g.batch,
        to: (g.out_channels, g.output.0, g.output.1),
        target: y,
    }
    .run();
}

/// See [`super::adjoint`].
pub fn adjoint(g: &Geometry, y: &[f32], w: &[f32], x: &mut [f32]) {
    let (stride, padding) = (g.stride as isize, g.padding as isize);
    // Input pixel `stride·i + first` sees output pixel `i + back(first, k)` through tap `k`, if that is whole.
    let back = |first: usize, k: usize| {
        let at = first as isize + padding - k as isize;
        (at.rem_euclid(stride) == 0).then_some(at.div_euclid(stride))
    };
    let along = |first: usize| (0..g.kernel).filter_map(move |k| Some((k, back(first, k)?)));
    let origin = (0..g.stride).flat_map(along).map(|(_, at)| at).min().unwrap_or(0);
    let count = |side: usize, first: usize| (side.saturating_sub(first)).div_ceil(g.stride);
    let cover = |side: usize| {
        let end = |first| along(first).map(move |(_, at)| count(side, first) + (at - origin) as usize).max();
        (0..g.stride).filter_map(end).max().unwrap_or(1)
    };
    let window = Window {
        of: (g.batch, g.out_channels, g.output.0, g.output.1),
        origin: (origin, origin),
        rows: cover(g.input.0),
        columns: cover(g.input.1),
        parts: 1,
    };
    let phase = |first: (usize, usize)| {
        let taps = along(first.0).flat_map(|(ky, row)| {
            along(first.1).map(move |(kx, column)| Tap {
                row: (row - origin) as usize,
                column: (column - origin) as usize,
                weight: ky * g.kernel + kx,
            })
        });
        Phase { first, size: (count(g.input.0, first.0), count(g.input.1, first.1)), taps: taps.collect() }
    };
    let taps = g.kernel * g.kernel;
    Correlation {
        pictures: Pairs::new(window, y),
        weights: Weights::new(w, (g.in_channels, taps), (g.out_channels, g.window()), taps),
        step: 1,
        grid: g.stride,
        phases: (0..g.stride * g.stride).map(|i| phase((i / g.stride, i % g.stride))).collect(),
        batch: g.batch,
        to: (g.in_channels, g.input.0, g.input.1),
        target: x,
    }
    .run();
}

impl Correlation<'_> {
    fn run(self) {
        let Self { pictures, weights, step, grid, phases, batch, to: (channels, height, width), target } = self;
        let target = Target::new(target);
        let blocks = channels.div_ceil(TILE);
        // How it is cut changes no sum: a task has whole ones.
        let rows = (CACHE / (pictures.row_bytes() * step)).clamp(1, height.div_ceil(grid));
        let strips = height.div_ceil(grid).div_ceil(rows);
        let tasks = batch * strips * phases.len();
        let splits = (4 * rayon::current_num_threads()).div_ceil(tasks).min(blocks.div_ceil(2));
        (0..tasks * splits).into_par_iter().for_each(|i| {
            let (split, strip, i) = (i % splits, i / splits % strips, i / splits / strips);
            let (phase, picture) = (&phases[i % phases.len()], i / phases.len());
            let rows = strip * rows..((strip + 1) * rows).min(phase.size.0);
            let pairs = blocks.div_ceil(2);
            let sums_of = |first: usize, row: usize, column: usize, sums: &mut Sums| {
                let tall = first + 1 < blocks;
                // SAFETY: `fits` has asked for AMX. Weights have these blocks, and the pictures every window of the
                // phase's pixels with 31 columns beyond.
                unsafe {
                    amx::clear();
                    for tap in &phase.taps {
                        let first_weights = weights.at(first, tap.weight);
                        let second = if tall { weights.at(first + 1, tap.weight) } else { first_weights };
                        let right = pictures.at(picture, row * step + tap.row, column * step + tap.column);
                        let left = Factors { tiles: [first_weights, second], pitch: CHUNK, step: CHUNK * TILE };
                        let right = Factors {
                            tiles: [right, right.wrapping_add(2 * TILE)],
                            pitch: pictures.pitch(),
                            step: CHUNK / 2 * pictures.pitch(),
                        };
                        if tall {
                            amx::add::<true, true>(&left, &right, pictures.chunks);
                        } else {
                            amx::add::<false, true>(&left, &right, pictures.chunks);
                        }
                    }
                    amx::store::<true>(sums.0.as_mut_ptr().cast(), TILE);
                }
            };
            let work = || {
                let mut sums = Sums([[0.0; 2 * TILE]; 2 * TILE]);
                for pair in pairs * split / splits..pairs * (split + 1) / splits {
                    for row in rows.clone() {
                        for column in (0..phase.size.1).step_by(2 * TILE) {
                            sums_of(2 * pair, row, column, &mut sums);
                            let count = (phase.size.1 - column).min(2 * TILE);
                            for (c, sums) in (2 * pair * TILE..channels).zip(&sums.0) {
                                let y = row * grid + phase.first.0;
                                let line = ((picture * channels + c) * height + y) * width;
                                let line = line + column * grid + phase.first.1;
                                // SAFETY: no other task has these rows and columns of these channels, and the target
                                // is borrowed for as long.
                                let line = unsafe { target.slice(line, (count - 1) * grid + 1) };
                                // SAFETY: AVX-512 comes with AMX.
                                unsafe { spread(&sums[..count], grid, line) }
                            }
                        }
                    }
                }
            };
            // SAFETY: `fits` has asked for AMX.
            unsafe { amx::with_tiles(work) }
        });
    }
}

/// Rounds `sums` into every `step`th value.
#[target_feature(enable = "avx512f,avx512bw")]
fn spread(sums: &[f32], step: usize, to: &mut [f32]) {
    if step == 1 {
        for (to, sum) in to.iter_mut().zip(sums) {
            *to = bf16::of(*sum).f32();
        }
    } else {
        for (to, sum) in to.iter_mut().step_by(step).zip(sums) {
            *to = bf16::of(*sum).f32();
        }
    }
}
