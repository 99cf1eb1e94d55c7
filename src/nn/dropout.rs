//! Dropout (Srivastava et al. 2014) from our own generator: candle's cannot be
//! seeded on the CPU, and a resumed run must draw the same masks.

use super::generator::Pass;
use super::pairs::masked;
use candle_core::{Result, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use std::sync::{Mutex, PoisonError};

/// The stream that one pass draws its masks, and its noise input, from.
#[derive(Debug)]
pub struct Noise(Mutex<ChaCha8Rng>);

impl Noise {
    /// The stream of a seed: a training step makes its own from (seed, step),
    /// so that nothing has to be saved for an exact resume.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(ChaCha8Rng::seed_from_u64(seed)))
    }

    /// `count` values of N(0, 1).
    pub(super) fn normal(&self, count: usize) -> Vec<f32> {
        let mut rng = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (0..count).map(|_| StandardNormal.sample(&mut *rng)).collect()
    }

    /// What `count` values are multiplied by: 0, or with the probability `keep` 1 / `keep`.
    pub(super) fn mask(&self, count: usize, keep: f32) -> Vec<f32> {
        let mut rng = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let scale = 1.0 / keep;
        (0..count).map(|_| if rng.random::<f32>() < keep { scale } else { 0.0 }).collect()
    }
}

/// Sets a share of the values to zero and scales the rest up.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    /// Share of the values set to zero, 0..1.
    pub rate: f32,
}

impl Dropout {
    /// Any shape.
    ///
    /// # Errors
    /// Those of candle.
    pub fn forward(&self, x: &Tensor, pass: &Pass<'_>) -> Result<Tensor> {
        match pass.noise {
            Some(noise) if self.rate > 0.0 => {
                let mask = Tensor::from_vec(noise.mask(x.elem_count(), 1.0 - self.rate), x.dims(), x.device())?;
                masked(x, &mask)
            }
            _ => Ok(x.clone()),
        }
    }
}
