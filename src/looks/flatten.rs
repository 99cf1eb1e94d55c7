//! L0 gradient minimisation: large flat areas, few strong edges.
//!
//! Xu, Lu, Xu, Jia, "Image Smoothing via L0 Gradient Minimization" (2011), by half-quadratic splitting:
//! in turn, gradients too small for the present weight β are dropped, and the picture is solved for (in
//! the frequency domain) that is nearest to the photo and to those gradients.
//!
//! The picture is mirrored at its borders, so the transform is a cosine one. Taken as a torus, as is
//! common, the sky would bleed into the ground at the opposite border.

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
    let (width, height) = (image.width, image.height);
    let mut solver = Solver::new(width, height);
    let mut flat = image.clone();
    let mut beta = 2.0 * lambda;
    while beta < BETA_MAX {
        let wanted = wanted(image, &flat, (lambda / beta) as f32, beta as f32);
        solver.solve(&wanted, beta, &mut flat);
        beta *= KAPPA;
    }
    flat.map(|rgb| rgb.map(|c| c.clamp(0.0, 1.0)))
}

/// image + β·∇ᵀ of the gradients of `flat` that pass `threshold`.
fn wanted(image: &Raster<Rgb>, flat: &Raster<Rgb>, threshold: f32, beta: f32) -> Raster<Rgb> {
    let edges = gradients(flat, threshold);
    Raster::draw_rows(image.width, image.height, |y, out| {
        let (above, here, photo) = (y.checked_sub(1).map(|y| edges.row(y)), edges.row(y), image.row(y));
        out.extend((0..image.width).map(|x| {
            let left = x.checked_sub(1).map_or([0.0; 3], |x| here[x].across);
            let up = above.map_or([0.0; 3], |above| above[x].down);
            let pull = |c: usize| left[c] - here[x].across[c] + up[c] - here[x].down[c];
            [0, 1, 2].map(|c| photo[x][c] + beta * pull(c))
        }));
    })
}

/// Forward differences at one pixel.
#[derive(Clone, Copy)]
struct Gradient {
    across: Rgb,
    down: Rgb,
}

/// The forward differences, zero across the border; zero too where their squares, over all channels, sum to no more
/// than `threshold`.
fn gradients(image: &Raster<Rgb>, threshold: f32) -> Raster<Gradient> {
    let (width, height) = (image.width, image.height);
    Raster::draw_rows(width, height, |y, out| {
        let (here, below) = (image.row(y), image.row((y + 1).min(height - 1)));
        out.extend((0..width).map(|x| {
            let (p, right) = (here[x], here[(x + 1).min(width - 1)]);
            let across = [0, 1, 2].map(|c| right[c] - p[c]);
            let down = [0, 1, 2].map(|c| below[x][c] - p[c]);
            let energy: f32 = across.iter().chain(&down).map(|d| d * d).sum();
            let keep = if energy > threshold { 1.0 } else { 0.0 };
            Gradient { across: across.map(|d| d * keep), down: down.map(|d| d * keep) }
        }));
    })
}

/// Solves (1 + β·∇ᵀ∇) flat = wanted on the mirrored picture.
struct Solver {
    rows: Pass,
    columns: Pass,
    /// ∇ᵀ∇ by frequency: this one down plus this one across.
    laplacian_down: Vec<f32>,
    laplacian_across: Vec<f32>,
    /// A plane a channel, once in rows and once in columns.
    planes: [(Vec<f32>, Vec<f32>); 3],
}

impl Solver {
    fn new(width: usize, height: usize) -> Self {
        let mut planner = DctPlanner::new();
        let laplacian = |n: usize| (0..n).map(|i| (2.0 - 2.0 * (PI * i as f64 / n as f64).cos()) as f32).collect();
        let plane = || (vec![0.0; width * height], vec![0.0; width * height]);
        Self {
            rows: Pass(planner.plan_dct2(width)),
            columns: Pass(planner.plan_dct2(height)),
            laplacian_down: laplacian(height),
            laplacian_across: laplacian(width),
            planes: [plane(), plane(), plane()],
        }
    }

    fn solve(&mut self, wanted: &Raster<Rgb>, beta: f64, flat: &mut Raster<Rgb>) {
        let (width, height) = (wanted.width, wanted.height);
        // The third cosine transform of the second one is the length's half.
        let norm = 4.0 / (width * height) as f32;
        for (channel, (rows, columns)) in self.planes.iter_mut().enumerate() {
            rows.par_iter_mut().zip(&wanted.data).with_min_len(4096).for_each(|(value, rgb)| *value = rgb[channel]);
            self.rows.forward(rows);
            transpose(rows, columns, width);
            let (down, across) = (&self.laplacian_down, &self.laplacian_across);
            self.columns.there_and_back(columns, |x, column| {
                for (value, down) in column.iter_mut().zip(down) {
                    *value *= norm / (1.0 + beta as f32 * (down + across[x]));
                }
            });
            transpose(columns, rows, height);
            self.rows.inverse(rows);
        }
        let [(r, _), (g, _), (b, _)] = &self.planes;
        let planes = r.par_iter().zip(g).zip(b);
        flat.data.par_iter_mut().zip(planes).with_min_len(4096).for_each(|(rgb, ((r, g), b))| {
            *rgb = [*r, *g, *b];
        });
    }
}

/// The cosine transforms of one direction: all rows, or all columns.
struct Pass(Arc<dyn TransformType2And3<f32>>);

impl Pass {
    fn each(&self, lines: &mut [f32], f: impl Fn(usize, &mut [f32], &mut [f32]) + Sync) {
        let scratch = || vec![0.0; self.0.get_scratch_len()];
        lines.par_chunks_mut(self.0.len()).enumerate().for_each_init(scratch, |scratch, (i, line)| f(i, line, scratch));
    }

    fn forward(&self, lines: &mut [f32]) {
        self.each(lines, |_, line, scratch| self.0.process_dct2_with_scratch(line, scratch));
    }

    fn inverse(&self, lines: &mut [f32]) {
        self.each(lines, |_, line, scratch| self.0.process_dct3_with_scratch(line, scratch));
    }

    /// Forward, `between`, inverse: while the line is in the cache.
    fn there_and_back(&self, lines: &mut [f32], between: impl Fn(usize, &mut [f32]) + Sync) {
        self.each(lines, |i, line, scratch| {
            self.0.process_dct2_with_scratch(line, scratch);
            between(i, line);
            self.0.process_dct3_with_scratch(line, scratch);
        });
    }
}

/// Turns rows of `width` into columns, in square blocks that fit the cache.
fn transpose(from: &[f32], to: &mut [f32], width: usize) {
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
        let image = Raster::draw(width, height, |x, y| colour(wave(x, y)));
        let mut flat = image.clone();
        Solver::new(width, height).solve(&image, beta, &mut flat);
        let kept = 1.0 / (1.0 + beta * (4.0 - 2.0 * across.cos() - 2.0 * down.cos()));
        for (x, y) in [(0, 0), (7, 3), (29, 20)] {
            for (got, wanted) in flat.at(x, y).iter().zip(colour(kept * wave(x, y))) {
                assert!((got - wanted).abs() < 1e-5, "{got}, not {wanted}, at ({x}, {y})");
            }
        }
    }

    /// Where every gradient is kept, the photo itself solves the system: the pull is the divergence that the solver
    /// undoes, at the borders too.
    #[test]
    fn a_turn_that_keeps_all_edges_changes_nothing() {
        let image = Raster::draw(19, 26, |x, y| [x as f32 / 19.0, ((x * y) % 5) as f32 / 5.0, y as f32 / 26.0]);
        let (mut flat, beta) = (image.clone(), 8.0);
        let wanted = wanted(&image, &image, -1.0, beta);
        Solver::new(19, 26).solve(&wanted, f64::from(beta), &mut flat);
        for (a, b) in flat.data.as_flattened().iter().zip(image.data.as_flattened()) {
            assert!((a - b).abs() < 1e-5, "{b} became {a}");
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
