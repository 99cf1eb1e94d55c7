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

/// `image` (sRGB in 0..=1) with edges under about √`lambda` flattened; the answer is clipped to 0..=1.
pub fn flatten(image: &Raster<Rgb>, lambda: f64) -> Raster<Rgb> {
    let (width, height) = (image.width, image.height);
    let mut solver = Solver::new(width, height);
    let mut flat = image.clone();
    let mut beta = 2.0 * lambda;
    while beta < BETA_MAX {
        let threshold = (lambda / beta) as f32;
        let edges = gradients(&flat, threshold);
        let wanted = Raster::draw_rows(width, height, |y, out| {
            let (above, here, photo) = (edges.row((y + height - 1) % height), edges.row(y), image.row(y));
            out.extend((0..width).map(|x| {
                let left = here[(x + width - 1) % width].across;
                let (edge, up) = (here[x], above[x].down);
                let pull = |c: usize| left[c] - edge.across[c] + up[c] - edge.down[c];
                [0, 1, 2].map(|c| photo[x][c] + beta as f32 * pull(c))
            }));
        });
        solver.solve(&wanted, beta, &mut flat);
        beta *= KAPPA;
    }
    flat.map(|rgb| rgb.map(|c| c.clamp(0.0, 1.0)))
}

/// Forward differences at one pixel.
#[derive(Clone, Copy)]
struct Gradient {
    across: Rgb,
    down: Rgb,
}

/// The forward differences, around the torus; zero where their squares, over all channels, sum to no more
/// than `threshold`.
fn gradients(image: &Raster<Rgb>, threshold: f32) -> Raster<Gradient> {
    let (width, height) = (image.width, image.height);
    Raster::draw_rows(width, height, |y, out| {
        let (here, below) = (image.row(y), image.row((y + 1) % height));
        out.extend((0..width).map(|x| {
            let (p, right) = (here[x], here[(x + 1) % width]);
            let across = [0, 1, 2].map(|c| right[c] - p[c]);
            let down = [0, 1, 2].map(|c| below[x][c] - p[c]);
            let energy: f32 = across.iter().chain(&down).map(|d| d * d).sum();
            let keep = if energy > threshold { 1.0 } else { 0.0 };
            Gradient { across: across.map(|d| d * keep), down: down.map(|d| d * keep) }
        }));
    })
}

/// Solves (1 + β·∇ᵀ∇) flat = wanted on a torus.
struct Solver {
    rows: Pass,
    columns: Pass,
    /// ∇ᵀ∇ by frequency: this one down plus this one across.
    laplacian_down: Vec<f32>,
    laplacian_across: Vec<f32>,
    /// Two real channels a complex plane, red + i·green and blue + i·0: the filter's response is real and
    /// even, so the two don't mix. One plane in rows, one in columns.
    planes: [(Vec<Complex32>, Vec<Complex32>); 2],
}

impl Solver {
    fn new(width: usize, height: usize) -> Self {
        let mut planner = FftPlanner::new();
        let laplacian = |n: usize| (0..n).map(|i| (2.0 - 2.0 * (TAU * i as f64 / n as f64).cos()) as f32).collect();
        let plane = || (vec![Complex32::ZERO; width * height], vec![Complex32::ZERO; width * height]);
        Self {
            rows: Pass::new(&mut planner, width),
            columns: Pass::new(&mut planner, height),
            laplacian_down: laplacian(height),
            laplacian_across: laplacian(width),
            planes: [plane(), plane()],
        }
    }

    fn solve(&mut self, wanted: &Raster<Rgb>, beta: f64, flat: &mut Raster<Rgb>) {
        let (width, height) = (wanted.width, wanted.height);
        let norm = 1.0 / (width * height) as f32;
        for (plane, (rows, columns)) in self.planes.iter_mut().enumerate() {
            rows.par_chunks_mut(width).zip(wanted.data.par_chunks(width)).for_each(|(out, row)| {
                for (z, &[r, g, b]) in out.iter_mut().zip(row) {
                    *z = if plane == 0 { Complex32::new(r, g) } else { Complex32::new(b, 0.0) };
                }
            });
            self.rows.run(rows, &self.rows.forward);
            transpose(rows, columns, width);
            let (down, across) = (&self.laplacian_down, &self.laplacian_across);
            self.columns.run_with(columns, &self.columns.forward, |x, column| {
                for (z, down) in column.iter_mut().zip(down) {
                    *z *= norm / (1.0 + beta as f32 * (down + across[x]));
                }
            });
            self.columns.run(columns, &self.columns.inverse);
            transpose(columns, rows, height);
            self.rows.run(rows, &self.rows.inverse);
        }
        let [(rg, _), (b, _)] = &self.planes;
        flat.data.par_iter_mut().zip(rg.par_iter().zip(b)).with_min_len(4096).for_each(|(rgb, (rg, b))| {
            *rgb = [rg.re, rg.im, b.re];
        });
    }
}

/// The transforms of one direction: all rows, or all columns.
struct Pass {
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
}

impl Pass {
    fn new(planner: &mut FftPlanner<f32>, length: usize) -> Self {
        Self { forward: planner.plan_fft_forward(length), inverse: planner.plan_fft_inverse(length) }
    }

    fn run(&self, lines: &mut [Complex32], fft: &Arc<dyn Fft<f32>>) {
        self.run_with(lines, fft, |_, _| ());
    }

    fn run_with(
        &self,
        lines: &mut [Complex32],
        fft: &Arc<dyn Fft<f32>>,
        then: impl Fn(usize, &mut [Complex32]) + Sync,
    ) {
        let scratch = || vec![Complex32::ZERO; fft.get_inplace_scratch_len()];
        lines.par_chunks_mut(fft.len()).enumerate().for_each_init(scratch, |scratch, (i, line)| {
            fft.process_with_scratch(line, scratch);
            then(i, line);
        });
    }
}

/// Turns rows of `width` into columns, in square blocks that fit the cache.
fn transpose(from: &[Complex32], to: &mut [Complex32], width: usize) {
    const BLOCK: usize = 16;
    let height = from.len() / width;
    to.par_chunks_mut(height * BLOCK).enumerate().for_each(|(band, out)| {
        let left = band * BLOCK;
        for top in (0..height).step_by(BLOCK) {
            for (i, column) in out.chunks_mut(height).enumerate() {
                let rows = top..height.min(top + BLOCK);
                for (z, y) in column[rows.clone()].iter_mut().zip(rows) {
                    *z = from[y * width + left + i];
                }
            }
        }
    });
}
