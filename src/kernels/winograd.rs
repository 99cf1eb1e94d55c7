//! Convolutions of many channels with about half of the products, by Winograd's F(2×2, r×r) (Lavin, Gray 2016, §4.1):
//! 16 for 36 where windows are 3×3, 9 for 16 where they are 4×4, which are sums of four small windows of 2×2.
//!
//! The trilinear form of convolution becomes one of points, `Σ (A x)ᵢ (B w)ᵢ (C y)ᵢ`, so its three faces take the same
//! three transforms or their transposes, and a matrix product at each point.

mod form;
mod transform;

use super::geometry::Geometry;
use super::matmul::{Strides, Target, matmul};
use form::{Form, TILE};
use rayon::prelude::*;
use std::cell::RefCell;
use std::ops::Range;
use transform::{Inputs, Layout};

/// Tiles that one task takes at a time: enough for an efficient matrix product.
const TILES: usize = 256;
/// Tasks worth having.
const TASKS: usize = 8;
/// Of so few output pixels the time is that of reading the weights, whose points are more.
const PIXELS: usize = 256;
/// Fewer channels would spend more on transforms than they save.
const CHANNELS: usize = 16;

/// A thread's memory, kept from call to call.
#[derive(Default)]
struct Scratch {
    /// Points of inputs, `(points, channels · windows, tiles)`.
    inputs: Vec<f32>,
    /// Points of outputs, `(points, channels, tiles)`.
    outputs: Vec<f32>,
    lines: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// The first `len` values, made if missing.
fn room(values: &mut Vec<f32>, len: usize) -> &mut [f32] {
    if values.len() < len {
        values.resize(len, 0.0);
    }
    &mut values[..len]
}

/// A convolution that goes this way.
pub(super) struct Winograd<'a> {
    g: &'a Geometry,
    form: Form,
    inputs: Inputs,
}

impl<'a> Winograd<'a> {
    /// That of `g`, if it has a form that pays.
    pub(super) fn of(g: &'a Geometry) -> Option<Self> {
        let many = g.in_channels.min(g.out_channels) >= CHANNELS;
        let form = Form::of(g).filter(|_| many && g.in_pixels() > 0 && g.batch * g.out_pixels() > PIXELS)?;
        let ((height, width), columns) = (g.input, g.output.1.div_ceil(TILE));
        Some(Self { g, form, inputs: Inputs { form, height, width, padding: g.padding, columns } })
    }

    /// Rows of tiles, some at a time.
    fn strips(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let (height, rows) = (self.g.output.0.div_ceil(TILE), TILES.div_ceil(self.inputs.columns));
        (0..height.div_ceil(rows)).map(move |i| i * rows..((i + 1) * rows).min(height))
    }

    fn tiles(&self, rows: &Range<usize>) -> usize {
        rows.len() * self.inputs.columns
    }

    /// Factors that one input channel has at a point.
    fn windows(&self) -> usize {
        self.form.windows()
    }

    /// The input planes of a picture.
    fn input<'b>(&self, x: &'b [f32], picture: usize) -> &'b [f32] {
        let len = self.g.in_channels * self.g.in_pixels();
        &x[picture * len..][..len]
    }

    /// The output planes of a picture.
    fn output<'b>(&self, y: &'b [f32], picture: usize) -> &'b [f32] {
        let len = self.g.out_channels * self.g.out_pixels();
        &y[picture * len..][..len]
    }

    /// `points` `(points, C · windows, tiles)` of the planes `(C, H, W)`, those of `rows` from tile `first` on.
    fn analyse_inputs(
        &self,
        planes: &[f32],
        rows: &Range<usize>,
        lines: &mut Vec<f32>,
        points: &mut [f32],
        (first, tiles): (usize, usize),
    ) {
        let layout = Layout { point: points.len() / self.form.points(), window: tiles };
        for (c, plane) in planes.chunks_exact(self.g.in_pixels()).enumerate() {
            let points = &mut points[c * self.windows() * tiles + first..];
            transform::analyse_inputs(&self.inputs, plane, rows.clone(), lines, points, layout);
        }
    }

    /// `points` `(points, Cout, tiles)` of the planes `(Cout, Hout, Wout)`, those of `rows` from tile `first` on.
    fn analyse_outputs(
        &self,
        planes: &[f32],
        rows: &Range<usize>,
        lines: &mut Vec<f32>,
        points: &mut [f32],
        (first, tiles): (usize, usize),
    ) {
        let (form, width, point) = (&self.form, self.g.output.1, points.len() / self.form.points());
        for (o, plane) in planes.chunks_exact(self.g.out_pixels()).enumerate() {
            let points = &mut points[o * tiles + first..];
            transform::analyse_outputs(form, width, plane, rows.clone(), lines, points, point);
        }
    }

    /// Weights `(Cout, Cin, K, K)` to points, a matrix `(Cout, Cin · windows)` for each.
    fn lift(&self, w: &[f32]) -> Vec<Vec<f32>> {
        let (g, form, depth) = (self.g, self.form, self.g.in_channels * self.windows());
        let mut points = vec![vec![0f32; g.out_channels * depth]; form.points()];
        // A task has an output, at all points.
        let mut rows: Vec<Vec<&mut [f32]>> = (0..g.out_channels).map(|_| Vec::with_capacity(form.points())).collect();
        for point in &mut points {
            rows.iter_mut().zip(point.chunks_exact_mut(depth)).for_each(|(rows, row)| rows.push(row));
        }
        let (places, lifts) = (form.places(g.kernel), form.lifts());
        rows.into_par_iter().zip(w.par_chunks_exact(g.window())).for_each(|(mut rows, w)| {
            let mut taps = vec![0f32; form.taps * form.taps * depth];
            for (tap, of_tap) in taps.chunks_exact_mut(depth).enumerate() {
                let windows = of_tap.chunks_exact_mut(places.len()).zip(w.chunks_exact(g.kernel * g.kernel));
                for (windows, w) in windows {
                    windows.iter_mut().zip(&places).for_each(|(window, places)| *window = w[places[tap]]);
                }
            }
            for &(point, tap, times) in &lifts {
                transform::accumulate(rows[point], times, &taps[tap * depth..][..depth]);
            }
        });
        points
    }

    /// See [`super::conv::forward`].
    pub(super) fn forward(&self, x: &[f32], w: &[f32], y: &mut [f32]) {
        let (g, weights, depth) = (self.g, self.lift(w), self.g.in_channels * self.windows());
        let strips: Vec<_> = self.strips().collect();
        // Each strip of each picture writes rows of its own of every plane.
        let mut targets: Vec<Vec<&mut [f32]>> =
            (0..g.batch * strips.len()).map(|_| Vec::with_capacity(g.out_channels)).collect();
        for (i, mut plane) in y.chunks_exact_mut(g.out_pixels()).enumerate() {
            for (strip, rows) in strips.iter().enumerate() {
                let height = (rows.end * TILE).min(g.output.0) - rows.start * TILE;
                let (target, rest) = plane.split_at_mut(height * g.output.1);
                targets[i / g.out_channels * strips.len() + strip].push(target);
                plane = rest;
            }
        }
        targets.into_par_iter().enumerate().for_each(|(task, targets)| {
            let (picture, rows) = (task / strips.len(), &strips[task % strips.len()]);
            let (tiles, points) = (self.tiles(rows), self.form.points());
            let mut scratch = SCRATCH.take();
            let factors = room(&mut scratch.inputs, points * depth * tiles);
            let sums = room(&mut scratch.outputs, points * g.out_channels * tiles);
            self.analyse_inputs(self.input(x, picture), rows, &mut scratch.lines, factors, (0, tiles));
            let products = weights.iter().zip(factors.chunks_exact(depth * tiles));
            for ((weights, factors), sums) in products.zip(sums.chunks_exact_mut(g.out_channels * tiles)) {
                let (sizes, rows) = ((g.out_channels, tiles, depth), Strides::rows(tiles));
                // SAFETY: `sums` is this task's own.
                unsafe {
                    matmul(sizes, Target::new(sums), 0, rows, false, (weights, Strides::rows(depth)), (factors, rows));
                }
            }
            for (o, target) in targets.into_iter().enumerate() {
                let (size, point) = ((target.len() / g.output.1, g.output.1), g.out_channels * tiles);
                let (sums, lines) = (&sums[o * tiles..], &mut scratch.lines);
                transform::gather_outputs(&self.form, size, sums, point, 0..rows.len(), lines, target);
            }
            SCRATCH.set(scratch);
        });
    }

    /// See [`super::conv::adjoint`].
    pub(super) fn adjoint(&self, y: &[f32], w: &[f32], x: &mut [f32]) {
        let (g, weights, all) = (self.g, self.lift(w), self.g.in_channels * self.windows());
        // Few blocks of channels: each makes the outputs' points anew.
        let block = g.in_channels.div_ceil(TASKS.div_ceil(g.batch)).max(CHANNELS);
        let blocks: Vec<_> = x
            .chunks_mut(g.in_channels * g.in_pixels())
            .enumerate()
            .flat_map(|(picture, x)| x.chunks_mut(block * g.in_pixels()).enumerate().map(move |(i, x)| (picture, i, x)))
            .collect();
        blocks.into_par_iter().for_each(|(picture, i, x)| {
            x.fill(0.0);
            let (depth, points) = (x.len() / g.in_pixels() * self.windows(), self.form.points());
            let mut scratch = SCRATCH.take();
            for rows in self.strips() {
                let tiles = self.tiles(&rows);
                let factors = room(&mut scratch.outputs, points * g.out_channels * tiles);
                let sums = room(&mut scratch.inputs, points * depth * tiles);
                self.analyse_outputs(self.output(y, picture), &rows, &mut scratch.lines, factors, (0, tiles));
                let factors = factors.chunks_exact(g.out_channels * tiles);
                let products = weights.iter().zip(factors);
                for ((weights, factors), sums) in products.zip(sums.chunks_exact_mut(depth * tiles)) {
                    let (sizes, rows) = ((depth, tiles, g.out_channels), Strides::rows(tiles));
                    let weights = (&weights[i * block * self.windows()..], Strides::transposed(all));
                    // SAFETY: `sums` is this task's own.
                    unsafe { matmul(sizes, Target::new(sums), 0, rows, false, weights, (factors, rows)) }
                }
                let layout = Layout { point: depth * tiles, window: tiles };
                for (c, plane) in x.chunks_exact_mut(g.in_pixels()).enumerate() {
                    let (sums, lines) = (&sums[c * self.windows() * tiles..], &mut scratch.lines);
                    transform::restore_inputs(&self.inputs, sums, layout, rows.clone(), lines, plane);
                }
            }
            SCRATCH.set(scratch);
        });
    }

    /// See [`super::conv::weight_gradient`].
    pub(super) fn weight_gradient(&self, x: &[f32], y: &[f32], w: &mut [f32]) {
        let (g, form) = (self.g, self.form);
        // Blocks of input channels, and groups of pictures whose sums are added up in order.
        let block = g.in_channels.min(4 * CHANNELS);
        let blocks = g.in_channels.div_ceil(block);
        let groups = (TASKS / blocks).clamp(1, g.batch);
        let of_task = |task: usize| {
            let (i, group) = (task % blocks, task / blocks);
            let pictures = g.batch * group / groups..g.batch * (group + 1) / groups;
            self.gradient(i * block..((i + 1) * block).min(g.in_channels), pictures, x, y)
        };
        let mut sums: Vec<Vec<f32>> = (0..blocks * groups).into_par_iter().map(of_task).collect();
        let (first, others) = sums.split_at_mut(blocks);
        first.par_iter_mut().enumerate().for_each(|(i, sums)| {
            for other in others.iter().skip(i).step_by(blocks) {
                sums.iter_mut().zip(other).for_each(|(sum, other)| *sum += other);
            }
        });
        let (places, lifts) = (form.places(g.kernel), form.lifts());
        w.par_chunks_exact_mut(g.window()).enumerate().for_each(|(o, w)| {
            for (sums, w) in first.iter().zip(w.chunks_mut(block * g.kernel * g.kernel)) {
                let depth = sums.len() / (form.points() * g.out_channels);
                let mut taps = vec![0f32; form.taps * form.taps * depth];
                for &(point, tap, times) in &lifts {
                    let sums = &sums[(point * g.out_channels + o) * depth..][..depth];
                    transform::accumulate(&mut taps[tap * depth..][..depth], times, sums);
                }
                for (tap, of_tap) in taps.chunks_exact(depth).enumerate() {
                    let windows = of_tap.chunks_exact(places.len()).zip(w.chunks_exact_mut(g.kernel * g.kernel));
                    for (windows, w) in windows {
                        windows.iter().zip(&places).for_each(|(window, places)| w[places[tap]] = *window);
                    }
                }
            }
        });
    }

    /// The sums over some pictures `(points, Cout, channels · windows)` of products of the outputs' points with those of
    /// some input channels.
    fn gradient(&self, channels: Range<usize>, pictures: Range<usize>, x: &[f32], y: &[f32]) -> Vec<f32> {
        let (g, points, depth) = (self.g, self.form.points(), channels.len() * self.windows());
        let channels = channels.start * g.in_pixels()..channels.end * g.in_pixels();
        let mut sums = vec![0f32; points * g.out_channels * depth];
        let mut scratch = SCRATCH.take();
        let strips: Vec<_> = pictures.flat_map(|picture| self.strips().map(move |rows| (picture, rows))).collect();
        // Strips of small pictures together: a product of few tiles would spend its time on its sums.
        let count = self.strips().next().map_or(1, |rows| TILES.div_ceil(self.tiles(&rows)));
        for strips in strips.chunks(count) {
            let tiles = strips.iter().map(|(_, rows)| self.tiles(rows)).sum();
            let of_x = room(&mut scratch.inputs, points * depth * tiles);
            let of_y = room(&mut scratch.outputs, points * g.out_channels * tiles);
            let (mut first, lines) = (0, &mut scratch.lines);
            for (picture, rows) in strips {
                let x = &self.input(x, *picture)[channels.clone()];
                self.analyse_inputs(x, rows, lines, of_x, (first, tiles));
                self.analyse_outputs(self.output(y, *picture), rows, lines, of_y, (first, tiles));
                first += self.tiles(rows);
            }
            let products = of_y.chunks_exact(g.out_channels * tiles).zip(of_x.chunks_exact(depth * tiles));
            for ((of_y, of_x), sums) in products.zip(sums.chunks_exact_mut(g.out_channels * depth)) {
                let (sizes, target) = ((g.out_channels, depth, tiles), Target::new(sums));
                let (of_y, of_x) = ((of_y, Strides::rows(tiles)), (of_x, Strides::transposed(tiles)));
                // SAFETY: `sums` is this task's own.
                unsafe { matmul(sizes, target, 0, Strides::rows(depth), true, of_y, of_x) }
            }
        }
        SCRATCH.set(scratch);
        sums
    }
}
