//! L0 gradient minimisation: large flat areas, few strong edges.
//!
//! Xu, Lu, Xu, Jia, "Image Smoothing via L0 Gradient Minimization" (2011), by half-quadratic splitting:
//! in turn, gradients too small for the present weight β are dropped, and the picture is solved for (in
//! the frequency domain) that is nearest to the photo and to those gradients.
//!
//! The picture is mirrored at its borders, so the transform is a cosine one. Taken as a torus, as is
//! common, the sky would bleed into the ground at the opposite border.

use super::lanes::Lanes;
use super::raster::{Raster, Rgb};
use rayon::prelude::*;
use rustdct::{DctPlanner, TransformType2And3};
use std::f64::consts::PI;
use std::sync::Arc;

/// β grows by this factor a turn,
const KAPPA: f64 = 2.0;
/// until it passes this.
const BETA_MAX: f64 = 1e5;

/// `image` (sRGB in 0..=1) with edges under about √`lambda` flattened; the answer is clipped to 0..=1.
pub fn flatten(image: &Raster<Rgb>, lambda: f64) -> Raster<Rgb> {
    let photo = image.map(|[r, g, b]| Lanes([r, g, b, 0.0]));
    let mut solver = Solver::new(image.width, image.height);
    let mut flat = photo.clone();
    let mut beta = 2.0 * lambda;
    while beta < BETA_MAX {
        solver.turn(&photo, &mut flat, (lambda / beta) as f32, beta as f32);
        beta *= KAPPA;
    }
    flat.map(|Lanes([r, g, b, _])| [r, g, b].map(|c| c.clamp(0.0, 1.0)))
}

/// Row `y` of photo + β·∇ᵀ of the gradients of `flat` that pass `threshold`.
fn wanted(photo: &Raster<Lanes>, flat: &Raster<Lanes>, threshold: f32, beta: f32, y: usize, out: &mut [Lanes]) {
    let row = |y: usize| flat.row(y.min(flat.height - 1));
    let (here, below) = (row(y), row(y + 1));
    let mut left = Lanes::default();
    for (x, out) in out.iter_mut().enumerate() {
        let (across, down) = gradient(here, below, x, threshold);
        *out = left - across - down;
        left = across;
    }
    if let Some(above) = y.checked_sub(1).map(row) {
        for (x, out) in out.iter_mut().enumerate() {
            *out = *out + gradient(above, here, x, threshold).1;
        }
    }
    let beta = Lanes([beta; 4]);
    for (out, photo) in out.iter_mut().zip(photo.row(y)) {
        *out = *photo + beta * *out;
    }
}

/// The forward differences across and down, zero across the border; zero too where their squares, over all channels,
/// sum to no more than `threshold`.
fn gradient(here: &[Lanes], below: &[Lanes], x: usize, threshold: f32) -> (Lanes, Lanes) {
    let across = here[(x + 1).min(here.len() - 1)] - here[x];
    let down = below[x] - here[x];
    let energy: f32 = (across * across + down * down).0.iter().sum();
    let keep = Lanes([if energy > threshold { 1.0 } else { 0.0 }; 4]);
    (across * keep, down * keep)
}

/// Solves (1 + β·∇ᵀ∇) flat = wanted on the mirrored picture.
struct Solver {
    rows: Pass,
    columns: Pass,
    /// ∇ᵀ∇ by frequency: this one down plus this one across.
    laplacian_down: Vec<f32>,
    laplacian_across: Vec<f32>,
    in_columns: Vec<Lanes>,
}

impl Solver {
    fn new(width: usize, height: usize) -> Self {
        let mut planner = DctPlanner::new();
        let laplacian = |n: usize| (0..n).map(|i| (2.0 - 2.0 * (PI * i as f64 / n as f64).cos()) as f32).collect();
        Self {
            rows: Pass(planner.plan_dct2(width)),
            columns: Pass(planner.plan_dct2(height)),
            laplacian_down: laplacian(height),
            laplacian_across: laplacian(width),
            in_columns: vec![Lanes::default(); width * height],
        }
    }

    /// One turn for the weight `beta`: from the last turn's `flat` to this one's.
    fn turn(&mut self, photo: &Raster<Lanes>, flat: &mut Raster<Lanes>, threshold: f32, beta: f32) {
        let mut next = vec![Lanes::default(); flat.data.len()];
        self.solve(&mut next, beta, |y, row| wanted(photo, flat, threshold, beta, y, row));
        flat.data = next;
    }

    /// The solution in `flat`, where `wanted(y, row)` fills in the right-hand side's rows.
    fn solve(&mut self, flat: &mut [Lanes], beta: f32, wanted: impl Fn(usize, &mut [Lanes]) + Sync) {
        let (width, height) = (self.laplacian_across.len(), self.laplacian_down.len());
        // The third cosine transform of the second one is the length's half.
        let norm = 4.0 / (width * height) as f32;
        let columns = &mut self.in_columns;
        // What belongs to a line is done at once, while the line is in the cache.
        self.rows.each(flat, |dct, y, row, scratch| {
            wanted(y, row);
            dct.process_dct2_with_scratch(row, scratch);
        });
        transpose(flat, columns, width);
        let (down, across) = (&self.laplacian_down, &self.laplacian_across);
        self.columns.each(columns, |dct, x, column, scratch| {
            dct.process_dct2_with_scratch(column, scratch);
            for (value, down) in column.iter_mut().zip(down) {
                *value = *value * Lanes([norm / (1.0 + beta * (down + across[x])); 4]);
            }
            dct.process_dct3_with_scratch(column, scratch);
        });
        transpose(columns, flat, height);
        self.rows.each(flat, |dct, _, row, scratch| dct.process_dct3_with_scratch(row, scratch));
    }
}

/// The cosine transforms of one direction: all rows, or all columns.
struct Pass(Arc<dyn TransformType2And3<Lanes>>);

impl Pass {
    /// Calls `f(transform, i, line, scratch)` for each line, in parallel.
    fn each(
        &self,
        lines: &mut [Lanes],
        f: impl Fn(&dyn TransformType2And3<Lanes>, usize, &mut [Lanes], &mut [Lanes]) + Sync,
    ) {
        let scratch = || vec![Lanes::default(); self.0.get_scratch_len()];
        lines
            .par_chunks_mut(self.0.len())
            .enumerate()
            .for_each_init(scratch, |scratch, (i, line)| f(&*self.0, i, line, scratch));
    }
}

/// Turns rows of `width` into columns, in square blocks that fit the cache.
fn transpose(from: &[Lanes], to: &mut [Lanes], width: usize) {
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

    /// The smoothing itself, without edges: a wave of the mirrored picture keeps 1 / (1 + β·(2 − 2 cos ω)) of its
    /// height, with one such term down and one across.
    #[test]
    fn waves_are_damped_by_their_frequency() {
        let (width, height, beta) = (30, 21, 3.0);
        let (across, down) = (PI * 4.0 / width as f64, PI * 3.0 / height as f64);
        let wave = |x: usize, y: usize| (across * (x as f64 + 0.5)).cos() * (down * (y as f64 + 0.5)).cos();
        let colour = |v: f64| [0.5 + 0.3 * v, 0.4 - 0.2 * v, 0.6 + 0.1 * v].map(|c| c as f32);
        let mut flat = Raster { width, height, data: vec![Lanes::default(); width * height] };
        Solver::new(width, height).solve(&mut flat.data, beta as f32, |y, row| {
            for (x, out) in row.iter_mut().enumerate() {
                let [r, g, b] = colour(wave(x, y));
                *out = Lanes([r, g, b, 0.0]);
            }
        });
        let kept = 1.0 / (1.0 + beta * (4.0 - 2.0 * across.cos() - 2.0 * down.cos()));
        for (x, y) in [(0, 0), (7, 3), (29, 20)] {
            for (got, wanted) in flat.at(x, y).0.iter().zip(colour(kept * wave(x, y))) {
                assert!((got - wanted).abs() < 1e-5, "{got}, not {wanted}, at ({x}, {y})");
            }
        }
    }

    /// Where every gradient is kept, the photo itself solves the system: the pull is the divergence that the solver
    /// undoes, at the borders too.
    #[test]
    fn a_turn_that_keeps_all_edges_changes_nothing() {
        let image =
            Raster::draw(19, 26, |x, y| Lanes([x as f32 / 19.0, ((x * y) % 5) as f32 / 5.0, y as f32 / 26.0, 0.0]));
        let mut flat = image.clone();
        Solver::new(19, 26).turn(&image, &mut flat, -1.0, 8.0);
        for (a, b) in flat.data.iter().zip(&image.data) {
            assert!(a.0.iter().zip(b.0).all(|(a, b)| (a - b).abs() < 1e-5), "{b:?} became {a:?}");
        }
    }

    /// What lies at one border must not bleed into the opposite one.
    #[test]
    fn borders_keep_their_own_colours() {
        let image = Raster::draw(24, 30, |_, y| if y < 15 { [0.9, 0.9, 1.0] } else { [0.1, 0.2, 0.1] });
        let flat = flatten(&image, 0.008);
        for (a, b) in flat.data.as_flattened().iter().zip(image.data.as_flattened()) {
            assert!((a - b).abs() < 0.01, "{b} became {a}");
        }
    }
}
