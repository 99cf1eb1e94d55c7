//! Which windows take fewer products, and their weights at the points.

use crate::kernels::plan::kernel::{Kernel, LANES, VECTORS, Value};
use crate::kernels::plan::layer::{Input, Source, Tap};
use crate::kernels::plan::weights::Panel;
use crate::kernels::winograd::side;
use multiversion::multiversion;
use std::any::TypeId;
use std::array;

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

    /// Makes a panel of `G g Gᵀ` of its columns' weights: `(points, depth, width)`, channels filled up with zeros.
    pub fn fill<K: Kernel>(self, inputs: &[Input], sources: &[Source<'_>], panel: Panel<'_, K>) {
        match (self.taps, self.tile) {
            (2, 2) => self.fill_sides::<K, 2, 3>(inputs, sources, panel),
            (2, _) => self.fill_sides::<K, 2, 5>(inputs, sources, panel),
            (_, 2) => self.fill_sides::<K, 3, 4>(inputs, sources, panel),
            _ => self.fill_sides::<K, 3, 6>(inputs, sources, panel),
        }
    }

    fn fill_sides<K: Kernel, const TAPS: usize, const SIDE: usize>(
        self,
        inputs: &[Input],
        sources: &[Source<'_>],
        panel: Panel<'_, K>,
    ) {
        let spread = side::weights(TAPS, self.tile);
        let spread = array::from_fn(|point| array::from_fn(|tap| spread[point][tap]));
        let (depth, mut factor) = (self.depth(inputs), 0);
        for (input, source) in inputs.iter().zip(sources) {
            for (y, x) in self.parities() {
                let rows: [_; TAPS] = array::from_fn(|tap| source.rows[y + tap * self.step]);
                let columns: [_; TAPS] = array::from_fn(|tap| source.columns[x + tap * self.step]);
                for c in 0..source.channels {
                    for first in (0..panel.columns.len()).step_by(LANES) {
                        let mut window = [[[0.0; LANES]; TAPS]; TAPS];
                        for (lane, output) in panel.columns.clone().skip(first).take(LANES).enumerate() {
                            let weights = &source.weights[output * source.output + c * source.channel..];
                            for (window, row) in window.iter_mut().zip(rows) {
                                for (window, column) in window.iter_mut().zip(columns) {
                                    window[lane] = f64::from(weights[row + column]);
                                }
                            }
                        }
                        let points = at_points::<TAPS, SIDE>(&spread, &window);
                        for (point, values) in points.as_flattened().iter().enumerate() {
                            let to = &mut panel.values[(point * depth + factor + c) * panel.width + first..];
                            to.iter_mut().zip(values).for_each(|(to, value)| *to = K::Value::of(*value));
                        }
                    }
                }
                factor += input.channels;
            }
        }
    }

    /// Where the small windows begin in the whole one.
    pub fn parities(self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.step * self.step).map(move |i| (i / self.step, i % self.step))
    }
}

/// `G g Gᵀ` of windows side by side.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
fn at_points<const TAPS: usize, const SIDE: usize>(
    spread: &[[f64; TAPS]; SIDE],
    window: &[[[f64; LANES]; TAPS]; TAPS],
) -> [[[f32; LANES]; SIDE]; SIDE] {
    // Along the columns first.
    let mut rows = [[[0.0; LANES]; SIDE]; TAPS];
    for (row, window) in rows.iter_mut().zip(window) {
        for (point, by) in row.iter_mut().zip(spread) {
            add_products(point, by, window);
        }
    }
    let mut points = [[[0.0; LANES]; SIDE]; SIDE];
    for (points, by) in points.iter_mut().zip(spread) {
        for (x, point) in points.iter_mut().enumerate() {
            let mut sum = [0.0; LANES];
            add_products(&mut sum, by, &array::from_fn(|row| rows[row][x]));
            *point = sum.map(|value| value as f32);
        }
    }
    points
}

#[inline(always)]
fn add_products<const TAPS: usize>(sum: &mut [f64; LANES], by: &[f64; TAPS], values: &[[f64; LANES]; TAPS]) {
    for (by, values) in by.iter().zip(values) {
        for (sum, value) in sum.iter_mut().zip(values) {
            *sum += by * value;
        }
    }
}
