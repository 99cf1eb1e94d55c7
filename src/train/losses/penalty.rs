//! Penalties on a discriminator's slope: second-order terms.

use crate::nn::Pass;
use crate::nn::patch_gan::PatchGan;
use crate::nn::segment::Segments;
use candle_core::{Result, Tensor, Var, bail};

/// A penalty's value, and a scalar whose gradient in the discriminator's
/// parameters is the penalty's (its own value means nothing).
pub struct Penalty {
    /// The penalty.
    pub value: Tensor,
    /// What to differentiate.
    pub surrogate: Tensor,
}

/// The penalty `cost` puts on the slope of each picture's judgement, the mean
/// over its patches, in `judged` `(N, Cin, H, W)`; `cost` takes slopes of that
/// shape. `constant` is `network` with constant parameters. One scale's.
///
/// Exact, though only first derivatives are taken: see
/// [`PatchGan::derivative`].
///
/// # Errors
/// When the shapes do not fit or the device fails.
pub fn slope_penalty(
    network: &PatchGan,
    constant: &PatchGan,
    judged: &Tensor,
    pass: &Pass<'_>,
    cost: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<Penalty> {
    // candle's own derivatives are taken here.
    let _apart = Segments::new(false);
    let at = Var::from_tensor(&judged.detach())?;
    // Every picture's mean, summed: each slope is of its own picture.
    let scores = |logits: &Tensor| logits.flatten_from(1)?.mean(1)?.sum_all();
    let slopes = scores(&constant.at_this_scale(&at, pass)?)?.backward()?;
    let Some(slope) = slopes.get(&at) else { bail!("the judgement does not depend on the picture") };
    let slope = Var::from_tensor(&slope.detach())?;
    let value = cost(&slope)?;
    let directions = value.backward()?;
    let Some(direction) = directions.get(&slope) else { bail!("the penalty does not depend on the slope") };
    let along = network.derivative(&judged.detach(), &direction.detach(), pass)?;
    Ok(Penalty { value: value.detach(), surrogate: scores(&along)? })
}

/// The squared length of each picture's slope: `(N)`.
fn squares(slope: &Tensor) -> Result<Tensor> {
    slope.sqr()?.flatten_from(1)?.sum(1)
}

/// `½·E‖g‖²` on real pictures (Mescheder et al. 2018, R1).
///
/// # Errors
/// Those of candle.
pub fn r1(slope: &Tensor) -> Result<Tensor> {
    squares(slope)?.mean_all()? * 0.5
}

/// `E(‖g‖ − 1)²` between real and drawn pictures (Gulrajani et al. 2017).
///
/// # Errors
/// Those of candle.
pub fn gradient_penalty(slope: &Tensor) -> Result<Tensor> {
    // The root has no slope at 0.
    ((squares(slope)? + 1e-12)?.sqrt()? - 1.0)?.sqr()?.mean_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::nn::init::Parameters;
    use crate::nn::norm::NormKind;
    use crate::nn::patch_gan::{PatchGanConfig, patch_gan};
    use candle_core::Device;

    const PASS: Pass<'static> = Pass { training: true, noise: None, style: None };

    fn close(a: f64, b: f64, share: f64) -> bool {
        (a - b).abs() <= share * b.abs()
    }

    /// The gradient of each penalty, held against how the penalty itself
    /// changes when the parameters take a small step along it.
    #[test]
    fn a_penaltys_gradient_is_how_it_changes() {
        for (norm, spectral) in [(NormKind::None, false), (NormKind::Instance, false), (NormKind::None, true)] {
            for cost in [r1 as fn(&Tensor) -> Result<Tensor>, gradient_penalty] {
                let parameters = Parameters::default();
                let config = PatchGanConfig { width: 4, layers: 2, norm, spectral, ..PatchGanConfig::default() };
                let network = patch_gan(config, parameters.seeded(3, &Device::Cpu)).unwrap();
                let constant = patch_gan(config, parameters.constant(&Device::Cpu)).unwrap();
                for (_, parameter) in parameters.trainable() {
                    // Slopes of the size that penalties are about.
                    parameter.set(&(parameter.as_detached_tensor() * 12.0).unwrap()).unwrap();
                }
                let values =
                    (0..2 * 6 * 24 * 24).map(|i| ((i * 37 % 101) as f32 / 50.0 - 1.0) * (1.0 + (i % 7) as f32 / 9.0));
                let judged = Tensor::from_iter(values, &Device::Cpu).unwrap().reshape((2, 6, 24, 24)).unwrap();
                for _ in 0..60 {
                    // Spectral norms settle: their vectors are constants to the gradient.
                    network.at_this_scale(&judged, &PASS).unwrap();
                }
                let still = Pass { training: norm != NormKind::None, ..PASS };
                let penalty = || slope_penalty(&network, &constant, &judged, &still, cost).unwrap();
                let value = || f64::from(penalty().value.to_scalar::<f32>().unwrap());

                let grads = penalty().surrogate.backward().unwrap();
                let all: Vec<_> = parameters.trainable();
                let found =
                    all.iter().filter_map(|(_, p)| Some((p.clone(), grads.get(p)?.detach()))).collect::<Vec<_>>();
                let squared: f32 =
                    found.iter().map(|(_, g)| g.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap()).sum();
                let length = f64::from(squared).sqrt();
                let moved = |by: f64| {
                    for (p, g) in &found {
                        p.set(&(p.as_detached_tensor() + (g * (by / length)).unwrap()).unwrap()).unwrap();
                    }
                };
                let step = 1e-4;
                moved(step);
                let above = value();
                moved(-2.0 * step);
                let below = value();
                let change = (above - below) / (2.0 * step);
                assert!(length > 1e-4, "{norm:?}: nothing to see");
                assert!(
                    close(change, length, 0.03),
                    "{norm:?}, spectral {spectral}: it changes by {change}, not {length}"
                );
            }
        }
    }

    #[test]
    fn penalties_of_known_slopes() {
        let slope = Tensor::full(0.5f32, (2, 1, 4, 4), &Device::Cpu).unwrap();
        let number = |t: Tensor| f64::from(t.to_scalar::<f32>().unwrap());
        assert!(close(number(r1(&slope).unwrap()), 2.0, 1e-6), "half of 16 quarters");
        assert!(close(number(gradient_penalty(&slope).unwrap()), 1.0, 1e-6), "a length of 2 is 1 too long");
    }
}
