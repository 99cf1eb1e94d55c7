//! Which windows take fewer products, and their weights at the points.

use crate::kernels::fresh::zeros;
use crate::kernels::plan::kernel::{Kernel, LANES, VECTORS};
use crate::kernels::plan::layer::{Input, Source, Tap};
use crate::kernels::winograd::side;
use rayon::prelude::*;
use std::any::TypeId;

/// Bytes of a task's points, before and after the products: beside a panel they stay in the L2 cache.
const CACHE: usize = 512 * 1024;

/// Taps of a small window's side and points of a tile's, at most.
const MOST_TAPS: usize = 3;
const MOST_SIDE: usize = 6;

/// Windows that fall apart into small ones, and the tiles that are computed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Side of a small window: 2 or 3.
    pub taps: usize,
    /// Side of a tile of outputs: 2 or 4.
    pub tile: usize,
    /// Pixels of an input from one output to the next, and from one tap of a small window to the next.
    pub step: usize,
}

impl Form {
    /// That of a phase of these windows in tiles of that side, if it has one: its pixels are whole vectors, of f32, as
    /// bf16's eight bits do not bear the transforms' differences.
    pub fn of<K: Kernel>(inputs: &[Input], taps: &[Tap], tile: usize) -> Option<Self> {
        let (input, tap) = (inputs.first()?, taps.first()?);
        let (taps_aside, step) = match (tap.kernel, input.step) {
            ((3, 3), 1) => (3, 1),
            ((2, 2), 1) => (2, 1),
            ((4, 4), 2) => (2, 2),
            _ => return None,
        };
        let form = Self { taps: taps_aside, tile, step };
        let whole = TypeId::of::<K::Value>() == TypeId::of::<f32>() && K::CHUNK == 1;
        let alike = |(other, window): (&Input, &Tap)| {
            other.step == input.step && window.kernel == tap.kernel && other.channels.is_multiple_of(LANES)
        };
        (whole && inputs.iter().zip(taps).all(alike)).then_some(form)
    }

    /// Side of a tile's input, in pixels of a small window, and of its points.
    pub fn side(self) -> usize {
        self.tile + self.taps - 1
    }

    /// Points of a tile.
    pub fn points(self) -> usize {
        self.side().pow(2)
    }

    /// Factors of a point's sums: channels of all inputs, for each of the small windows that are summed.
    pub fn depth(self, inputs: &[Input]) -> usize {
        self.step * self.step * inputs.iter().map(|input| input.channels).sum::<usize>()
    }

    /// How many factors of a panel all points take.
    pub fn factors(self, inputs: &[Input]) -> usize {
        self.points() * self.depth(inputs)
    }

    /// Tiles of a task: whole rows of the kernel's.
    pub fn chunk<K: Kernel>(self, inputs: &[Input]) -> usize {
        let tile = self.points() * (self.depth(inputs) + VECTORS * LANES) * size_of::<f32>();
        (CACHE / tile / K::ROWS * K::ROWS).max(K::ROWS)
    }

    /// `G g Gᵀ` of every output's weights: `(outputs, points, depth)`, where channels are filled up with zeros.
    pub fn weights(self, inputs: &[Input], sources: &[Source<'_>], outputs: usize) -> Vec<f32> {
        let (side, depth, spread) = (self.side(), self.depth(inputs), side::weights(self.taps, self.tile));
        let mut points = zeros(outputs * self.factors(inputs));
        points.par_chunks_mut(self.factors(inputs)).enumerate().for_each(|(output, points)| {
            let mut start = 0;
            for (input, source) in inputs.iter().zip(sources) {
                for (y, x) in self.parities() {
                    for c in 0..source.channels {
                        let place = output * source.output + c * source.channel;
                        let weight = |row: usize, column: usize| {
                            let (row, column) =
                                (source.rows[y + row * self.step], source.columns[x + column * self.step]);
                            f64::from(source.weights[place + row + column])
                        };
                        // Along the columns first.
                        let mut rows = [[0.0; MOST_SIDE]; MOST_TAPS];
                        for (tap, row) in rows[..self.taps].iter_mut().enumerate() {
                            for (point, by) in row.iter_mut().zip(&spread) {
                                *point = by.iter().enumerate().map(|(column, by)| by * weight(tap, column)).sum();
                            }
                        }
                        for (y, by) in spread.iter().enumerate() {
                            for x in 0..side {
                                let value: f64 = by.iter().zip(&rows).map(|(by, row)| by * row[x]).sum();
                                points[(y * side + x) * depth + start + c] = value as f32;
                            }
                        }
                    }
                    start += input.channels;
                }
            }
        });
        points
    }

    /// Where the small windows begin in the whole one.
    pub fn parities(self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.step * self.step).map(move |i| (i / self.step, i % self.step))
    }
}
