//! Which windows take fewer products, and their weights at the points.

use crate::kernels::plan::kernel::{Kernel, LANES, VECTORS};
use crate::kernels::plan::layer::{Input, Source, Tap};
use crate::kernels::winograd::side;
use std::any::TypeId;

/// Bytes of a task's points, before and after the products: beside a panel they stay in the L2 cache.
const CACHE: usize = 512 * 1024;

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
        let (side, depth) = (self.side(), self.depth(inputs));
        let mut points = vec![0.0; outputs * self.factors(inputs)];
        for (output, points) in points.chunks_exact_mut(self.factors(inputs)).enumerate() {
            let mut start = 0;
            for (input, source) in inputs.iter().zip(sources) {
                for (y, x) in self.parities() {
                    for c in 0..source.channels {
                        let place = output * source.output + c * source.channel;
                        let along = |at: usize| (0..self.taps).map(move |tap| at + tap * self.step);
                        let rows: Vec<_> = along(y)
                            .map(|y| {
                                let place = place + source.rows[y];
                                self.spread(along(x).map(|x| f64::from(source.weights[place + source.columns[x]])))
                            })
                            .collect();
                        for x in 0..side {
                            for (y, value) in self.spread(rows.iter().map(|row| row[x])).into_iter().enumerate() {
                                points[(y * side + x) * depth + start + c] = value as f32;
                            }
                        }
                    }
                    start += input.channels;
                }
            }
        }
        points
    }

    /// Where the small windows begin in the whole one.
    pub fn parities(self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.step * self.step).map(move |i| (i / self.step, i % self.step))
    }

    /// `G g`.
    fn spread(self, weights: impl Iterator<Item = f64>) -> Vec<f64> {
        let weights: Vec<_> = weights.collect();
        let of_point = |point: Vec<f64>| point.iter().zip(&weights).map(|(times, weight)| times * weight).sum();
        side::weights(self.taps, self.tile).into_iter().map(of_point).collect()
    }
}
