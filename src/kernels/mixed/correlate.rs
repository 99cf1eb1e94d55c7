//! Convolution and its adjoint: weights are the left factors, pictures the right ones, and what comes out lies as
//! planes do. The adjoint of a strided convolution has a phase for each remainder of the output's row and column.

use super::layout::Pairs;
use super::weights::{Weights, transpose_windows};
use super::window::{Tap, Window};
use crate::kernels::amx::{self, CHUNK, Factors, TILE};
use crate::kernels::geometry::Geometry;
use crate::kernels::matmul::Target;
use crate::kernels::plan::{Sums, Value};
use half::bf16;
use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::Range;

/// Bytes of pictures that should stay in the L2 cache beside the weights of a task.
const CACHE: usize = 512 * 1024;

/// Output rows with the same remainder.
struct Phase {
    first: usize,
    height: usize,
    /// What their columns see, by the column's remainder.
    taps: Vec<Vec<Tap>>,
}

/// What both faces are: sums over the channels of windows.
struct Correlation {
    pictures: Pairs,
    weights: Weights,
    /// Rows of the pictures from an output row of a phase to the next.
    step: usize,
    /// By the remainder of the output's row.
    phases: Vec<Phase>,
    /// Channels, height and width of the outputs.
    to: (usize, usize, usize),
}

/// See [`super::forward`].
pub fn forward(g: &Geometry, x: &[f32], w: &[f32], y: &mut [f32]) {
    let window = Window::seen(g, TILE);
    let taps = window.taps(g);
    let inputs = (window.channels(), taps.len());
    let mut w = Cow::Borrowed(w);
    if window.lanes > 1 {
        transpose_windows(w.to_mut(), g.kernel);
    }
    let weights = Weights::new(&w, (g.out_channels, g.window()), inputs, taps.len());
    Correlation {
        pictures: Pairs::new(window, x),
        weights,
        step: g.stride,
        phases: vec![Phase { first: 0, height: g.output.0, taps: vec![taps] }],
        to: (g.out_channels, g.output.0, g.output.1),
    }
    .run(y);
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
    let all = || (0..g.stride).flat_map(along).map(|(_, at)| at);
    let origin = all().min().unwrap_or(0);
    let reach = (all().max().unwrap_or(0) - origin) as usize;
    let count = |side: usize, first: usize| (side.saturating_sub(first)).div_ceil(g.stride);
    let window = Window {
        of: (g.batch, g.out_channels, g.output.0, g.output.1),
        origin: (origin, origin),
        rows: count(g.input.0, 0) + reach,
        width: count(g.input.1, 0),
        reach,
        step: 1,
        parts: 1,
        lanes: 1,
        beside: 1,
    };
    let seen = |first_row: usize, first: usize| -> Vec<Tap> {
        let taps = along(first_row).flat_map(|(ky, row)| {
            along(first).map(move |(kx, column)| Tap {
                row: (row - origin) as usize,
                part: 0,
                column: (column - origin) as usize,
                weight: ky * g.kernel + kx,
            })
        });
        taps.collect()
    };
    let phase = |first: usize| Phase {
        first,
        height: count(g.input.0, first),
        taps: (0..g.stride).map(|column| seen(first, column)).collect(),
    };
    let taps = g.kernel * g.kernel;
    Correlation {
        pictures: Pairs::new(window.side_by_side(TILE), y),
        weights: Weights::new(w, (g.in_channels, taps), (g.out_channels, g.window()), taps),
        step: 1,
        phases: (0..g.stride).map(phase).collect(),
        to: (g.in_channels, g.input.0, g.input.1),
    }
    .run(x);
}

impl Correlation {
    fn run(&self, target: &mut [f32]) {
        let (window, phases) = (&self.pictures.window, self.phases.len());
        let (channels, height, _) = self.to;
        let pairs = channels.div_ceil(2 * TILE);
        // How it is cut changes no sum: a task has whole ones.
        let rows = (CACHE / (self.pictures.row_bytes() * self.step)).clamp(1, height.div_ceil(phases));
        let strips = height.div_ceil(phases).div_ceil(rows);
        let tasks = window.groups() * strips * phases;
        let splits = (4 * rayon::current_num_threads()).div_ceil(tasks).min(pairs);
        let target = Target::new(target);
        (0..tasks * splits).into_par_iter().for_each(|i| {
            let (split, strip, i) = (i % splits, i / splits % strips, i / splits / strips);
            let (phase, group) = (&self.phases[i % phases], i / phases);
            let rows = strip * rows..((strip + 1) * rows).min(phase.height);
            let pairs = pairs * split / splits..pairs * (split + 1) / splits;
            // SAFETY: `fits` has asked for AMX. No other task has these rows of these channels, and the target is
            // borrowed for as long.
            unsafe { amx::with_tiles(|| self.draw(phase, group, rows, pairs, target)) }
        });
    }

    /// Some rows of a phase of a group's pictures, of some pairs of blocks of channels.
    ///
    /// # Safety
    /// Called inside [`amx::with_tiles`]; no other thread touches these rows of the target.
    #[inline(always)]
    unsafe fn draw(&self, phase: &Phase, group: usize, rows: Range<usize>, pairs: Range<usize>, target: Target) {
        let (window, grid) = (&self.pictures.window, phase.taps.len());
        let (channels, height, width) = self.to;
        let mut sums: Vec<Sums> = phase.taps.iter().map(|_| Sums([[0.0; 2 * TILE]; 2 * TILE])).collect();
        for pair in pairs {
            for row in rows.clone() {
                for column in (0..window.span()).step_by(2 * TILE) {
                    for (taps, sums) in phase.taps.iter().zip(&mut sums) {
                        // SAFETY: as the caller says.
                        unsafe { self.sum(taps, 2 * pair, (group, row, column), sums) }
                    }
                    for piece in window.pieces(group, column) {
                        for (i, c) in (2 * pair * TILE..channels).take(2 * TILE).enumerate() {
                            let y = row * self.phases.len() + phase.first;
                            let x = piece.first * grid;
                            let line = ((piece.picture * channels + c) * height + y) * width + x;
                            let count = (piece.range.len() * grid).min(width - x);
                            // SAFETY: as the caller says; AVX-512 comes with AMX.
                            unsafe {
                                let to = target.slice(line, count);
                                match sums.as_slice() {
                                    [sums] => rounded(&sums.0[i][piece.range.clone()], to),
                                    [even, odd] => in_turn([even, odd].map(|sums| &sums.0[i][piece.range.clone()]), to),
                                    all => {
                                        let parts = all.iter().map(|sums| &sums.0[i][piece.range.clone()]);
                                        parts.enumerate().for_each(|(first, sums)| spread(sums, first, grid, to));
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// The sums of two blocks of channels, from `block` on, for two tiles of columns.
    ///
    /// # Safety
    /// Called inside [`amx::with_tiles`].
    #[inline(always)]
    unsafe fn sum(&self, taps: &[Tap], block: usize, (group, row, column): (usize, usize, usize), sums: &mut Sums) {
        let (pictures, weights) = (&self.pictures, &self.weights);
        let tall = (block + 1) * TILE < self.to.0;
        let wide = column + TILE < pictures.window.span();
        // SAFETY: weights have these blocks, and the pictures every window of the pixels with all columns of the tiles.
        unsafe {
            amx::clear();
            for tap in taps {
                let first = weights.at(block, tap.weight);
                let second = if tall { weights.at(block + 1, tap.weight) } else { first };
                let right = pictures.at(group, row * self.step + tap.row, tap.part, column + tap.column);
                let left = Factors { tiles: [first, second], pitch: CHUNK, step: CHUNK * TILE };
                let right = Factors {
                    tiles: [right, right.wrapping_add(2 * TILE)],
                    pitch: pictures.pitch(),
                    step: CHUNK / 2 * pictures.pitch(),
                };
                amx::add_where((tall, wide), &left, &right, pictures.chunks);
            }
            amx::store::<true>(sums.0.as_mut_ptr().cast(), TILE);
        }
    }
}

/// Rounds `sums`.
#[target_feature(enable = "avx512f,avx512bw")]
fn rounded(sums: &[f32], to: &mut [f32]) {
    for (to, sum) in to.iter_mut().zip(sums) {
        *to = bf16::of(*sum).f32();
    }
}

/// Rounds sums in even and odd places.
#[target_feature(enable = "avx512f,avx512bw")]
fn in_turn([even, odd]: [&[f32]; 2], to: &mut [f32]) {
    let (pairs, rest) = to.as_chunks_mut::<2>();
    for (to, (even, odd)) in pairs.iter_mut().zip(even.iter().zip(odd)) {
        *to = [*even, *odd].map(|sum| bf16::of(sum).f32());
    }
    if let ([last], Some(sum)) = (rest, even.last()) {
        *last = bf16::of(*sum).f32();
    }
}

/// Rounds `sums` into every `step`th place from `first` on.
fn spread(sums: &[f32], first: usize, step: usize, to: &mut [f32]) {
    for (to, sum) in to.iter_mut().skip(first).step_by(step).zip(sums) {
        *to = bf16::of(*sum).f32();
    }
}
