//! Gaussian noise beside the photo: the z of conditional GANs (Isola et al.
//! 2017, §3), as channels of their own.

use super::dropout::Noise;
use super::generator::{Generator, Pass};
use super::plan::Outline;
use candle_core::{DType, Result, Tensor};

/// `photo` `(N, C, H, W)` with `channels` of N(0, 1) behind its own, `(N, C +
/// channels, H, W)`; without `noise` they are 0, the mean.
///
/// # Errors
/// Those of candle.
pub fn beside(photo: &Tensor, channels: usize, noise: Option<&Noise>) -> Result<Tensor> {
    if channels == 0 {
        return Ok(photo.clone());
    }
    let (n, _, h, w) = photo.dims4()?;
    let z = match noise {
        Some(noise) => Tensor::from_vec(noise.normal(n * channels * h * w), (n, channels, h, w), photo.device())?,
        None => Tensor::zeros((n, channels, h, w), DType::F32, photo.device())?,
    };
    Tensor::cat(&[photo, &z.to_dtype(photo.dtype())?], 1)
}

/// A generator that sees noise beside the photo.
pub struct NoiseInput {
    /// Takes the photo's channels and the noise's.
    network: Box<dyn Generator>,
    channels: usize,
}

impl NoiseInput {
    /// `network` with its last `channels` inputs taken by noise.
    pub fn new(network: Box<dyn Generator>, channels: usize) -> Self {
        Self { network, channels }
    }
}

impl Generator for NoiseInput {
    fn forward(&self, photo: &Tensor, pass: &Pass<'_>) -> Result<Tensor> {
        self.network.forward(&beside(photo, self.channels, pass.noise)?, pass)
    }

    fn multiple(&self) -> usize {
        self.network.multiple()
    }

    fn reach(&self) -> Option<usize> {
        // Tiles would have noise of their own where they overlap.
        None
    }

    /// Of the network within: who draws by its plan puts the noise [`beside`] the photo.
    fn outline(&self) -> Result<Outline> {
        self.network.outline()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use candle_core::Device;

    #[test]
    fn noise_lies_behind_the_photo_and_is_normal() {
        let photo = Tensor::full(0.25f32, (2, 3, 64, 64), &Device::Cpu).unwrap();
        let seen = beside(&photo, 2, Some(&Noise::new(5))).unwrap();
        assert_eq!(seen.dims(), [2, 5, 64, 64]);
        let values = |x: Tensor| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(values(seen.narrow(1, 0, 3).unwrap()).iter().all(|value| *value == 0.25));
        let z = values(seen.narrow(1, 3, 2).unwrap());
        let mean = z.iter().sum::<f32>() / z.len() as f32;
        let variance = z.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / z.len() as f32;
        // 16,384 values: five standard errors are 0.04 and 0.055.
        assert!(mean.abs() < 0.04 && (variance - 1.0).abs() < 0.055, "{mean} and {variance}");
        let again = beside(&photo, 2, Some(&Noise::new(5))).unwrap();
        assert!(values(seen) == values(again), "a seed draws the same");
        let none = beside(&photo, 2, None).unwrap();
        assert!(values(none.narrow(1, 3, 2).unwrap()).iter().all(|value| *value == 0.0));
    }
}
