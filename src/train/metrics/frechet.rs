//! A Fréchet distance of two sets of pictures: how far the textures of one are
//! from the other's, whichever picture they are in.
//!
//! Features come from a fixed network of three convolutions with random
//! weights (He et al. 2015, seed 0), one vector for each window of 22 pixels.
//! Untrained features tell textures apart too (Ustyuzhaninov et al. 2017), but
//! the numbers compare with each other only: they are not the FID of the
//! literature, whose network is another.

use crate::imaging::{Picture, tensor};
use crate::nn::activation::leaky_relu;
use crate::nn::init::{HE, Parameters};
use crate::nn::layers::{Conv2d, ConvConfig, conv};
use candle_core::{Device, Result};

/// Channels after each layer; the last are the features.
const WIDTHS: [usize; 3] = [16, 32, 48];
const FEATURES: usize = WIDTHS[2];
/// Shorter pictures have no window.
const SMALLEST: u32 = 22;

/// The fixed network.
pub struct RandomNetwork(Vec<Conv2d>);

/// What a set's features are on the whole.
#[derive(Clone, Debug)]
pub struct Textures {
    count: f64,
    sums: Vec<f64>,
    /// `(FEATURES, FEATURES)`
    products: Vec<f64>,
}

impl RandomNetwork {
    /// Always the same one.
    ///
    /// # Errors
    /// Those of candle.
    pub fn new() -> Result<Self> {
        let vb = Parameters::default().seeded(0, &Device::Cpu);
        let sizes = ConvConfig { init: HE, padding: 0, ..ConvConfig::default() };
        let inputs = [3, WIDTHS[0], WIDTHS[1]];
        let layers = inputs.into_iter().zip(WIDTHS).enumerate();
        layers.map(|(i, (inputs, outputs))| conv(inputs, outputs, sizes, vb.pp(i))).collect::<Result<_>>().map(Self)
    }

    /// Adds the features of `picture` to `textures`; one with a side under 22
    /// pixels has none.
    ///
    /// # Errors
    /// Those of candle.
    pub fn look(&self, picture: &Picture, textures: &mut Textures) -> Result<()> {
        if picture.width.min(picture.height) < SMALLEST {
            return Ok(());
        }
        let mut x = tensor::from_picture(picture, 3, &Device::Cpu)?;
        for layer in &self.0 {
            x = leaky_relu(&layer.forward(&x)?, 0.2)?;
        }
        let features = x.detach().flatten_from(2)?.squeeze(0)?;
        textures.count += features.dim(1)? as f64;
        let add = |sum: &mut Vec<f64>, values: Vec<f32>| {
            sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += f64::from(value));
        };
        add(&mut textures.sums, features.sum(1)?.to_vec1()?);
        add(&mut textures.products, features.matmul(&features.t()?.contiguous()?)?.flatten_all()?.to_vec1()?);
        Ok(())
    }
}

impl Default for Textures {
    fn default() -> Self {
        Self { count: 0.0, sums: vec![0.0; FEATURES], products: vec![0.0; FEATURES * FEATURES] }
    }
}

impl Textures {
    /// The Fréchet distance to `other`; none where a set has fewer windows than
    /// there are features.
    pub fn distance(&self, other: &Self) -> Option<f64> {
        let enough = FEATURES as f64;
        if self.count <= enough || other.count <= enough {
            return None;
        }
        Some(frechet(&self.moments(), &other.moments()))
    }

    /// Mean and covariance.
    fn moments(&self) -> (Vec<f64>, Vec<f64>) {
        let mean: Vec<f64> = self.sums.iter().map(|sum| sum / self.count).collect();
        let spread = |(i, product): (usize, &f64)| product / self.count - mean[i / FEATURES] * mean[i % FEATURES];
        let covariance = self.products.iter().enumerate().map(spread).collect();
        (mean, covariance)
    }
}

/// `|μ₁ − μ₂|² + tr(C₁ + C₂ − 2·√(√C₁·C₂·√C₁))` (Dowson, Landau 1982).
fn frechet((mean1, c1): &(Vec<f64>, Vec<f64>), (mean2, c2): &(Vec<f64>, Vec<f64>)) -> f64 {
    let n = mean1.len();
    let apart: f64 = mean1.iter().zip(mean2).map(|(a, b)| (a - b).powi(2)).sum();
    let trace = |m: &[f64]| m.iter().step_by(n + 1).sum::<f64>();
    let (values, vectors) = eigen(c1.clone(), n);
    let root: Vec<f64> = (0..n * n)
        .map(|i| (0..n).map(|k| vectors[i / n * n + k] * values[k].max(0.0).sqrt() * vectors[i % n * n + k]).sum())
        .collect();
    let (values, _) = eigen(product(&product(&root, c2, n), &root, n), n);
    let shared: f64 = values.iter().map(|value| value.max(0.0).sqrt()).sum();
    (apart + trace(c1) + trace(c2) - 2.0 * shared).max(0.0)
}

fn product(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
    (0..n * n).map(|i| (0..n).map(|k| a[i / n * n + k] * b[k * n + i % n]).sum()).collect()
}

/// Eigenvalues of a symmetric matrix, and its eigenvectors as columns, by
/// Jacobi's rotations (Golub, Van Loan 2013, algorithm 8.5.2).
fn eigen(mut a: Vec<f64>, n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut v: Vec<f64> = (0..n * n).map(|i| f64::from(u8::from(i / n == i % n))).collect();
    let size: f64 = a.iter().map(|x| x * x).sum();
    for _ in 0..50 {
        let off: f64 = (0..n * n).filter(|i| i / n != i % n).map(|i| a[i] * a[i]).sum();
        if off <= 1e-26 * size {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                if a[p * n + q] == 0.0 {
                    continue;
                }
                let tau = (a[q * n + q] - a[p * n + p]) / (2.0 * a[p * n + q]);
                let t = if tau < 0.0 { -1.0 } else { 1.0 } / (tau.abs() + (1.0 + tau * tau).sqrt());
                let c = 1.0 / (1.0 + t * t).sqrt();
                let s = t * c;
                for k in 0..n {
                    (a[k * n + p], a[k * n + q]) = turned(c, s, a[k * n + p], a[k * n + q]);
                    (v[k * n + p], v[k * n + q]) = turned(c, s, v[k * n + p], v[k * n + q]);
                }
                for k in 0..n {
                    (a[p * n + k], a[q * n + k]) = turned(c, s, a[p * n + k], a[q * n + k]);
                }
            }
        }
    }
    ((0..n).map(|i| a[i * n + i]).collect(), v)
}

fn turned(c: f64, s: f64, x: f64, y: f64) -> (f64, f64) {
    (c * x - s * y, s * x + c * y)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::tests::drawings;
    use super::*;

    // By SciPy, of the same two Gaussians:
    // ((m1 - m2) ** 2).sum() + np.trace(c1 + c2 - 2 * scipy.linalg.sqrtm(c1 @ c2))
    #[test]
    fn distances_are_scipys() {
        const N: usize = 4;
        let gaussian = |k: usize| {
            let g: Vec<f64> = (0..N * N).map(|i| ((i / N * (i % N) + k + i / N) as f64).cos()).collect();
            let square = |i: usize| (0..N).map(|j| g[i / N * N + j] * g[i % N * N + j]).sum::<f64>();
            let c = (0..N * N).map(|i| square(i) + if i / N == i % N { 0.1 } else { 0.0 }).collect();
            ((0..N).map(|i| ((i + k) % 3) as f64).collect(), c)
        };
        let ours = frechet(&gaussian(1), &gaussian(2));
        assert!((ours - 9.504966900874884).abs() < 1e-9, "{ours}");
        assert!(frechet(&gaussian(1), &gaussian(1)) < 1e-9);
    }

    #[test]
    fn textures_are_near_wherever_they_lie() {
        let network = RandomNetwork::new().unwrap();
        let of = |pictures: &[&Picture]| {
            let mut textures = Textures::default();
            pictures.iter().for_each(|picture| network.look(picture, &mut textures).unwrap());
            textures
        };
        let ((a, b), (c, _)) = (drawings(160, 120), drawings(150, 130));
        let (near, far) = (of(&[&a]).distance(&of(&[&c])).unwrap(), of(&[&a]).distance(&of(&[&b])).unwrap());
        assert!(of(&[&a, &b]).distance(&of(&[&a, &b])).unwrap() < 1e-6 * far);
        assert!(near < 0.2 * far, "{near} beside {far}");
        let (tiny, _) = drawings(21, 300);
        assert_eq!(of(&[&tiny]).distance(&of(&[&a])), None);
    }
}
