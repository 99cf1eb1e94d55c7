//! Weights and activations at Winograd's points, and their products.

use super::form::Form;
use super::layout::{COLUMNS, Place};
use crate::kernels::geometry::Geometry;
use crate::kernels::plan::{Kernel, LANES, MAX_ROWS, Strand, Sums, Vector, tiles};
use multiversion::multiversion;
use rayon::prelude::*;
use std::ops::Range;

/// A channel's values in a panel, aligned as [`Sums`] are.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Row([f32; COLUMNS]);

/// `(points, panels, channels, COLUMNS)`; the points a little further apart, lest they all fall on the same lines of the
/// L1 cache.
#[derive(Default)]
pub struct Points {
    rows: Vec<Row>,
    points: usize,
    panels: usize,
    channels: usize,
}

impl Points {
    /// Room for so many; what they hold is undefined.
    pub fn shape(&mut self, points: usize, panels: usize, channels: usize) {
        (self.points, self.panels, self.channels) = (points, panels, channels);
        // A kernel's sums are `MAX_ROWS` rows, whatever it uses of them.
        let rows = points * self.pitch() + MAX_ROWS;
        if self.rows.len() < rows {
            self.rows.resize(rows, Row([0.0; COLUMNS]));
        }
    }

    /// Rows from a point to the next.
    fn pitch(&self) -> usize {
        self.panels * self.channels + 1
    }

    /// Where the points of a channel's tiles lie among [`Points::channel`], the first in `slot`.
    pub fn place(&self, slot: usize) -> Place {
        Place { point: self.pitch() * COLUMNS, panel: self.channels * COLUMNS, slot }
    }

    /// The values from `channel` on.
    pub fn channel(&self, channel: usize) -> &[f32] {
        flat(&self.rows[channel..])
    }

    /// The same, to be written.
    pub fn channel_mut(&mut self, channel: usize) -> &mut [f32] {
        flat_mut(&mut self.rows[channel..])
    }

    /// Zeros in the slots from `slot` on.
    pub fn end_at(&mut self, slot: usize) {
        let (panel, column) = (slot / COLUMNS, slot % COLUMNS);
        if panel < self.panels {
            for point in 0..self.points {
                let first = point * self.pitch() + panel * self.channels;
                self.rows[first..first + self.channels].iter_mut().for_each(|row| row.0[column..].fill(0.0));
            }
        }
    }

    /// The sums with those of another of the same sizes.
    pub fn add(&mut self, other: &Self) {
        for (row, other) in self.rows.iter_mut().zip(&other.rows) {
            row.0.iter_mut().zip(other.0).for_each(|(value, other)| *value += other);
        }
    }

    fn panel(&self, point: usize, panel: usize) -> usize {
        point * self.pitch() + panel * self.channels
    }
}

fn flat(rows: &[Row]) -> &[f32] {
    // SAFETY: a row is COLUMNS numbers without gaps.
    unsafe { std::slice::from_raw_parts(rows.as_ptr().cast(), rows.len() * COLUMNS) }
}

fn flat_mut(rows: &mut [Row]) -> &mut [f32] {
    // SAFETY: a row is COLUMNS numbers without gaps.
    unsafe { std::slice::from_raw_parts_mut(rows.as_mut_ptr().cast(), rows.len() * COLUMNS) }
}

/// Adds `times` times `values`.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
fn accumulate(out: &mut [f32], times: f32, values: &[f32]) {
    for (out, value) in out.iter_mut().zip(values) {
        *out += times * value;
    }
}

/// Weights at the points, `(rows, points, depth)`.
pub struct Weights {
    values: Vec<f32>,
    points: usize,
    depth: usize,
}

impl Weights {
    /// Rows of outputs, to be multiplied with the points of inputs; `w` is `(Cout, Cin, K, K)`.
    pub fn by_outputs(g: &Geometry, form: &Form, w: &[f32]) -> Self {
        let places = form.places(g.kernel);
        let mut weights = Self::zeros(form, g.out_channels, g.in_channels * places.len());
        weights.lift(form, 1, |o, _, tap, taps| {
            let of_inputs = w[o * g.window()..][..g.window()].chunks_exact(g.kernel * g.kernel);
            for (taps, w) in taps.chunks_exact_mut(places.len()).zip(of_inputs) {
                taps.iter_mut().zip(&places).for_each(|(value, places)| *value = w[places[tap]]);
            }
        });
        weights
    }

    /// Rows of inputs, to be multiplied with the points of outputs.
    pub fn by_inputs(g: &Geometry, form: &Form, w: &[f32]) -> Self {
        let places = form.places(g.kernel);
        let mut weights = Self::zeros(form, g.in_channels * places.len(), g.out_channels);
        weights.lift(form, places.len(), |c, window, tap, taps| {
            let place = c * g.kernel * g.kernel + places[window][tap];
            for (o, value) in taps.iter_mut().enumerate() {
                *value = w[o * g.window() + place];
            }
        });
        weights
    }

    fn zeros(form: &Form, rows: usize, depth: usize) -> Self {
        let mut weights = Self { values: Vec::new(), points: form.points(), depth };
        weights.values = vec![0.0; rows * weights.pitch()];
        weights
    }

    /// Values from a row of a point to the point's next.
    fn pitch(&self) -> usize {
        // No multiple of a page: the rows would fall on the same lines of the L1 cache.
        self.points * self.depth + LANES
    }

    /// Fills `count` rows at a time: `taps(i, row, tap, values)` is one tap of all that are summed.
    fn lift(&mut self, form: &Form, count: usize, taps: impl Fn(usize, usize, usize, &mut [f32]) + Sync) {
        let (lifts, depth, pitch) = (form.lifts(), self.depth, self.pitch());
        self.values.par_chunks_mut(count * pitch).enumerate().for_each(|(i, rows)| {
            let mut values = vec![0f32; form.taps * form.taps * depth];
            for (row, points) in rows.chunks_exact_mut(pitch).enumerate() {
                values.chunks_exact_mut(depth).enumerate().for_each(|(tap, values)| taps(i, row, tap, values));
                for (point, times) in points.chunks_exact_mut(depth).zip(&lifts) {
                    for (values, &times) in values.chunks_exact(depth).zip(times).filter(|(_, times)| **times != 0.0) {
                        accumulate(point, times, values);
                    }
                }
            }
        });
    }
}

/// Some rows' products with all slots of `factors`, at each point.
///
/// # Safety
/// The machine has the kernel's instructions.
#[inline(always)]
pub unsafe fn multiply<K: Kernel<Value = f32>>(
    weights: &Weights,
    rows: Range<usize>,
    factors: &Points,
    sums: &mut Points,
) {
    sums.shape(factors.points, factors.panels, rows.len());
    assert!(factors.channels == weights.depth && factors.points == weights.points);
    assert!(weights.values.len() >= rows.end * weights.pitch());
    for point in 0..factors.points {
        for block in tiles::<K>(rows.len()) {
            let start = (rows.start + block.start) * weights.pitch() + point * weights.depth;
            let strand = Strand {
                start: weights.values[start..].as_ptr(),
                row: weights.pitch(),
                segments: 1,
                segment_step: 0,
                length: weights.depth,
            };
            for panel in 0..factors.panels {
                let columns = flat(&factors.rows[factors.panel(point, panel)..][..factors.channels]);
                let to = sums.panel(point, panel) + block.start;
                // SAFETY: the strand's rows are the weights', the panel is as long; `MAX_ROWS` rows are a tile's sums,
                // aligned alike.
                unsafe {
                    let sums = &mut *sums.rows[to..][..MAX_ROWS].as_mut_ptr().cast::<Sums>();
                    K::tile(&[strand], columns.as_ptr(), block.len(), COLUMNS / LANES, sums);
                }
            }
        }
    }
}

/// Adds to `sums` `(points, blocks of COLUMNS of x's channels, y's channels)` the products of all slots at each point.
///
/// # Safety
/// The machine has the kernel's instructions.
#[inline(always)]
pub unsafe fn correlate<K: Kernel<Value = f32>>(x: &Points, y: &Points, sums: &mut Points) {
    assert!(sums.points == x.points && sums.points == y.points && x.panels == y.panels);
    assert!(sums.panels == x.channels.div_ceil(COLUMNS) && sums.channels == y.channels);
    let mut columns = vec![Row([0.0; COLUMNS]); x.panels * COLUMNS];
    let mut products = Sums([[0.0; COLUMNS]; MAX_ROWS]);
    for point in 0..x.points {
        for block in 0..sums.panels {
            let channels = block * COLUMNS..((block + 1) * COLUMNS).min(x.channels);
            for (panel, columns) in columns.chunks_exact_mut(COLUMNS).enumerate() {
                let first = x.panel(point, panel);
                // SAFETY: as the caller says.
                unsafe { transpose::<K::Vector>(&x.rows[first + channels.start..first + channels.end], columns) };
            }
            for rows in tiles::<K>(y.channels) {
                let first = y.panel(point, 0) + rows.start;
                assert!(first + (y.panels - 1) * y.channels + rows.len() <= y.rows.len());
                let strand = Strand {
                    start: flat(&y.rows[first..]).as_ptr(),
                    row: COLUMNS,
                    segments: y.panels,
                    segment_step: y.channels * COLUMNS,
                    length: COLUMNS,
                };
                // SAFETY: the strand's rows are y's, in all panels; the columns are as many.
                unsafe {
                    K::tile(&[strand], flat(&columns).as_ptr(), rows.len(), COLUMNS / LANES, &mut products);
                }
                let to = sums.panel(point, block) + rows.start;
                for (sums, products) in sums.rows[to..][..rows.len()].iter_mut().zip(&products.0) {
                    sums.0.iter_mut().zip(products).for_each(|(sum, product)| *sum += product);
                }
            }
        }
    }
}

/// The transpose of up to [`COLUMNS`] rows.
#[inline(always)]
unsafe fn transpose<V: Vector>(rows: &[Row], columns: &mut [Row]) {
    for first in (0..rows.len()).step_by(V::WIDTH) {
        for column in (0..COLUMNS).step_by(V::WIDTH) {
            // SAFETY: as the caller says; a row has the columns, and a column the rows.
            unsafe {
                let mut vectors = [V::all(0.0); LANES];
                for (vector, row) in vectors.iter_mut().zip(&rows[first..(first + V::WIDTH).min(rows.len())]) {
                    *vector = V::load(row.0[column..column + V::WIDTH].as_ptr());
                }
                // Zipped with those half of them further, again and again.
                let mut rounds = 1;
                while rounds < V::WIDTH {
                    let before = vectors;
                    for i in 0..V::WIDTH / 2 {
                        [vectors[2 * i], vectors[2 * i + 1]] = before[i].zip(before[i + V::WIDTH / 2]);
                    }
                    rounds *= 2;
                }
                for (vector, to) in vectors.iter().zip(&mut columns[column..column + V::WIDTH]) {
                    vector.store(to.0[first..first + V::WIDTH].as_mut_ptr());
                }
            }
        }
    }
}

/// The gradient of the weights `(Cout, Cin, K, K)` from sums of [`correlate`], one for each `block` of input channels.
pub fn lower(g: &Geometry, form: &Form, blocks: &[Points], block: usize, w: &mut [f32]) {
    let (places, lifts, taps) = (form.places(g.kernel), form.lifts(), g.kernel * g.kernel);
    w.par_chunks_exact_mut(g.window()).enumerate().for_each(|(o, w)| {
        for (sums, w) in blocks.iter().zip(w.chunks_mut(block * taps)) {
            for panel in 0..sums.panels {
                for tap in 0..form.taps * form.taps {
                    let mut values = [0f32; COLUMNS];
                    for (point, times) in lifts.iter().enumerate() {
                        accumulate(&mut values, times[tap], &sums.rows[sums.panel(point, panel) + o].0);
                    }
                    for (lane, value) in values.into_iter().enumerate() {
                        let factor = panel * COLUMNS + lane;
                        let (channel, window) = (factor / places.len(), factor % places.len());
                        if let Some(w) = w.get_mut(channel * taps + places[window][tap]) {
                            *w = value;
                        }
                    }
                }
            }
        }
    });
}
