//! Dropout (Srivastava et al. 2014) from our own generator: candle's cannot be
//! seeded on the CPU, and a resumed run must draw the same masks.

use super::generator::Pass;
#[cfg(feature = "cuda")]
use super::on_cuda::{made, view};
use super::ops::{apart, slice};
use super::segment::apply2;
#[cfg(feature = "cuda")]
use crate::kernels::cuda::training;
use crate::kernels::planes;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
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
                apply2(&x.contiguous()?, &mask, Masked)
            }
            _ => Ok(x.clone()),
        }
    }
}

/// `x · mask`; the mask is constant.
struct Masked;

impl CustomOp2 for Masked {
    fn name(&self) -> &'static str {
        "masked"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(planes::product(slice(s1, l1)?, slice(s2, l2)?)), l1.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &candle_core::CudaStorage,
        l1: &Layout,
        s2: &candle_core::CudaStorage,
        l2: &Layout,
    ) -> Result<(candle_core::CudaStorage, Shape)> {
        let (x, mask) = (view(s1, l1)?, view(s2, l2)?);
        made(s1, l1.shape(), |stream| training::rectify(stream, &x, (Some(&mask), None, None), 1.0, 1))
    }

    fn bwd(&self, _: &Tensor, mask: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        Ok((Some(apply2(&grad.contiguous()?, &apart(mask), Self)?), None))
    }
}
