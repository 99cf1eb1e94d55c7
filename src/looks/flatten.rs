//! L0 gradient minimisation: large flat areas, few strong edges.
//!
//! Xu, Lu, Xu, Jia, "Image Smoothing via L0 Gradient Minimization" (2011), by half-quadratic splitting:
//! in turn, gradients too small for the present weight β are dropped, and the picture is solved for (in
//! the frequency domain, the picture taken as a torus) that is nearest to the photo and to those gradients.

use super::raster::{Raster, Rgb};
use rayon::prelude::*;
use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftPlanner};
use std::f64::consts::TAU;
use std::sync::Arc;

/// β grows by this factor a turn,
const KAPPA: f64 = 2.0;
/// until it passes this.
const BETA_MAX: f64 = 1e5;
/// So many lines are read at once from a buffer in which they lie across: a cache line's worth.
const BAND: usize = 8;

/// `image` (sRGB in 0..=1) with edges under about √`lambda` flattened; the answer is clipped to 0..=1.
pub fn flatten(image: &Raster<Rgb>, lambda: f64) -> Raster<Rgb> {
    let (width, height) = (image.width, image.height);
    let mut solver = Solver::new(width, height);
    let mut flat = image.clone();
    let mut beta = 2.0 * lambda;
    while beta < BETA_MAX {
        solver.solve(image, &mut flat, lambda, beta);
        beta *= KAPPA;
    }
    flat.map(|rgb| rgb.map(|c| c.clamp(0.0, 1.0)))
}

/// Two pixels' forward differences: to the right neighbour and to the one below.
type Gradient = [Rgb; 2];

/// The forward differences of row `y`, around the torus; zero where their squares, over all channels, sum to no
/// more than `threshold`.
fn edges(image: &Raster<Rgb>, y: usize, threshold: f32, out: &mut [Gradient]) {
    let (here, below) = (image.row(y), image.row((y + 1) % image.height));
    let edge = |p: Rgb, right: Rgb, below: Rgb| {
        let gradient = [right, below].map(|q| [q[0] - p[0], q[1] - p[1], q[2] - p[2]]);
        let energy: f32 = gradient.as_flattened().iter().map(|d| d * d).sum();
        let keep = if energy > threshold { 1.0 } else { 0.0 };
        gradient.map(|d| d.map(|c| c * keep))
    };
    let last = image.width - 1;
    for (x, out) in out[..last].iter_mut().enumerate() {
        *out = edge(here[x], here[x + 1], below[x]);
    }
    out[last] = edge(here[last], here[0], below[last]);
}

/// One turn: (1 + β·∇ᵀ∇) flat = photo + β·∇ᵀ edges, solved for `flat` by its frequencies.
struct Solver {
    rows: Transform,
    columns: Transform,
    /// ∇ᵀ∇ by frequency: one down plus one across.
    laplacian_down: Vec<f32>,
    laplacian_across: Vec<f32>,
    /// `[red + i·green, blue]`: the solution's response is real and even, so two real channels share a complex
    /// plane and don't mix. Row after row, and column after column.
    by_row: [Vec<Complex32>; 2],
    by_column: [Vec<Complex32>; 2],
}

impl Solver {
    fn new(width: usize, height: usize) -> Self {
        let mut planner = FftPlanner::new();
        let laplacian = |n: usize| (0..n).map(|i| (2.0 - 2.0 * (TAU * i as f64 / n as f64).cos()) as f32).collect();
        let plane = || vec![Complex32::ZERO; width * height];
        Self {
            rows: Transform::new(&mut planner, width),
            columns: Transform::new(&mut planner, height),
            laplacian_down: laplacian(height),
            laplacian_across: laplacian(width),
            by_row: [plane(), plane()],
            by_column: [plane(), plane()],
        }
    }

    fn solve(&mut self, photo: &Raster<Rgb>, flat: &mut Raster<Rgb>, lambda: f64, beta: f64) {
        self.rows_forwards(photo, flat, (lambda / beta) as f32, beta as f32);
        self.columns_both_ways(beta as f32);
        self.rows_backwards(flat);
    }

    fn rows_forwards(&mut self, photo: &Raster<Rgb>, flat: &Raster<Rgb>, threshold: f32, beta: f32) {
        let (width, height) = (photo.width, photo.height);
        let [rg, b] = &mut self.by_row;
        let forward = &self.rows.forward;
        let buffers = || ([(); 2].map(|()| vec![Gradient::default(); width]), self.rows.scratch());
        let bands = rg.par_chunks_mut(width * BAND).zip(b.par_chunks_mut(width * BAND)).enumerate();
        bands.for_each_init(buffers, |([above, here], scratch), (band, (rg, b))| {
            edges(flat, (band * BAND + height - 1) % height, threshold, above);
            let lines = rg.chunks_mut(width).zip(b.chunks_mut(width));
            for (y, (rg, b)) in (band * BAND..).zip(lines) {
                edges(flat, y, threshold, here);
                let mut left = here[width - 1][0];
                for (x, photo) in photo.row(y).iter().enumerate() {
                    let [right, down] = here[x];
                    let up = above[x][1];
                    let wanted = [0, 1, 2].map(|c| photo[c] + beta * (left[c] - right[c] + up[c] - down[c]));
                    (rg[x], b[x]) = (Complex32::new(wanted[0], wanted[1]), Complex32::new(wanted[2], 0.0));
                    left = right;
                }
                forward.process_with_scratch(rg, scratch);
                forward.process_with_scratch(b, scratch);
                std::mem::swap(above, here);
            }
        });
    }

    fn columns_both_ways(&mut self, beta: f32) {
        let (width, height) = (self.laplacian_across.len(), self.laplacian_down.len());
        let norm = 1.0 / (width * height) as f32;
        let Transform { forward, inverse } = &self.columns;
        for (rows, columns) in self.by_row.iter().zip(&mut self.by_column) {
            let bands = columns.par_chunks_mut(height * BAND).enumerate();
            bands.for_each_init(
                || self.columns.scratch(),
                |scratch, (band, columns)| {
                    gather(rows, width, band * BAND, columns, height);
                    for (column, across) in columns.chunks_mut(height).zip(&self.laplacian_across[band * BAND..]) {
                        forward.process_with_scratch(column, scratch);
                        for (z, down) in column.iter_mut().zip(&self.laplacian_down) {
                            *z *= norm / (1.0 + beta * (down + across));
                        }
                        inverse.process_with_scratch(column, scratch);
                    }
                },
            );
        }
    }

    fn rows_backwards(&self, flat: &mut Raster<Rgb>) {
        let (width, height) = (flat.width, flat.height);
        let inverse = &self.rows.inverse;
        let buffers = || ([(); 2].map(|()| vec![Complex32::ZERO; width * BAND]), self.rows.scratch());
        let bands = flat.data.par_chunks_mut(width * BAND).enumerate();
        bands.for_each_init(buffers, |(planes, scratch), (band, flat)| {
            for (plane, columns) in planes.iter_mut().zip(&self.by_column) {
                let plane = &mut plane[..flat.len()];
                gather(columns, height, band * BAND, plane, width);
                inverse.process_with_scratch(plane, scratch);
            }
            for ((rgb, rg), b) in flat.iter_mut().zip(&planes[0]).zip(&planes[1]) {
                *rgb = [rg.re, rg.im, b.re];
            }
        });
    }
}

/// Copies lines of `length` to `out` that lie across in `from`, whose own lines have `stride`: the line at
/// `first` and as many after it as `out` holds.
fn gather(from: &[Complex32], stride: usize, first: usize, out: &mut [Complex32], length: usize) {
    let lines = out.len() / length;
    for (i, across) in from.chunks_exact(stride).enumerate() {
        for (line, z) in across[first..first + lines].iter().enumerate() {
            out[line * length + i] = *z;
        }
    }
}

/// The Fourier transforms of one direction's lines.
struct Transform {
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
}

impl Transform {
    fn new(planner: &mut FftPlanner<f32>, length: usize) -> Self {
        Self { forward: planner.plan_fft_forward(length), inverse: planner.plan_fft_inverse(length) }
    }

    fn scratch(&self) -> Vec<Complex32> {
        let length = self.forward.get_inplace_scratch_len().max(self.inverse.get_inplace_scratch_len());
        vec![Complex32::ZERO; length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_a_step_and_removes_small_noise() {
        let noise = |x: usize, y: usize| ((x * 31 + y * 17) % 7) as f32 / 7.0 * 0.04 - 0.02;
        let image = Raster::draw(40, 31, |x, y| {
            let inside = (10..30).contains(&x) && (8..23).contains(&y);
            let level = if inside { 0.8 } else { 0.2 };
            [level + noise(x, y), level, 0.5 * level + noise(y, x)]
        });
        let flat = flatten(&image, 0.01);
        let spread = |image: &Raster<Rgb>, columns: std::ops::Range<usize>| {
            let values = columns.map(|x| image.at(x, 15)[0]);
            values.clone().fold(0.0, f32::max) - values.fold(1.0, f32::min)
        };
        assert!(spread(&image, 12..28) > 0.03 && spread(&flat, 12..28) < 0.004, "{}", spread(&flat, 12..28));
        let step = flat.at(10, 15)[0] - flat.at(9, 15)[0];
        assert!((step - 0.6).abs() < 0.03, "the step is {step} high");
        assert!((flat.at(20, 15)[1] - 0.8).abs() < 0.02 && (flat.at(3, 3)[1] - 0.2).abs() < 0.02);
    }

    /// With a threshold that no gradient passes, a turn is a plain smoothing: a wave keeps 1 / (1 + β·(2 − 2 cos ω))
    /// of its height.
    #[test]
    fn a_turn_without_edges_damps_waves_as_it_should() {
        let (width, height, beta) = (30, 21, 3.0);
        let (across, down) = (TAU * 2.0 / width as f64, TAU * 3.0 / height as f64);
        let wave = |x: usize, y: usize| (across * x as f64 + down * y as f64).cos();
        let image = Raster::draw(width, height, |x, y| {
            let v = wave(x, y) as f32;
            [0.5 + 0.3 * v, 0.4 - 0.2 * v, 0.6 + 0.1 * v]
        });
        let mut flat = image.clone();
        Solver::new(width, height).solve(&image, &mut flat, 1e6, beta);
        let kept = 1.0 / (1.0 + beta * (4.0 - 2.0 * across.cos() - 2.0 * down.cos()));
        for (x, y) in [(0, 0), (7, 3), (29, 20)] {
            let v = (kept * wave(x, y)) as f32;
            for (got, wanted) in flat.at(x, y).iter().zip([0.5 + 0.3 * v, 0.4 - 0.2 * v, 0.6 + 0.1 * v]) {
                assert!((got - wanted).abs() < 1e-5, "{got}, not {wanted}, at ({x}, {y})");
            }
        }
    }

    /// Where every gradient is kept, the photo itself solves the system.
    #[test]
    fn a_turn_that_keeps_all_edges_changes_nothing() {
        let image = Raster::draw(19, 26, |x, y| [x as f32 / 19.0, ((x * y) % 5) as f32 / 5.0, y as f32 / 26.0]);
        let mut flat = image.clone();
        Solver::new(19, 26).solve(&image, &mut flat, 0.0, 8.0);
        for (a, b) in flat.data.as_flattened().iter().zip(image.data.as_flattened()) {
            assert!((a - b).abs() < 1e-5, "{b} became {a}");
        }
    }
}
