//! The gradients of a loss, those of parameters past candle's sums.
//!
//! candle adds whatever an op says its argument's gradient is to zeros that it makes first, also where nothing else is
//! added: for a parameter that is used once, three passes over memory for none. While [`backward`] runs, convolutions and
//! biases give the gradients of parameters to `keep` instead, and so do segments for all of their ops.

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, TensorId};
use std::cell::RefCell;
use std::collections::HashMap;

thread_local! {
    static KEPT: RefCell<Option<HashMap<TensorId, Tensor>>> = const { RefCell::new(None) };
}

/// The gradients of `loss` in all parameters that it was made of.
///
/// # Errors
/// Those of candle.
pub fn backward(loss: &Tensor) -> Result<GradStore> {
    KEPT.set(Some(HashMap::new()));
    let rest = loss.backward();
    let kept = KEPT.take().unwrap_or_default();
    let mut gradients = rest?;
    for (id, gradient) in kept {
        let sum = match gradients.get_id(id) {
            // Of an op that does not know of this.
            Some(other) => (other + gradient)?,
            None => gradient,
        };
        gradients.insert_id(id, sum);
    }
    Ok(gradients)
}

/// What an op answers candle as the gradient of `argument`: nothing, if it is a parameter's and is kept here.
///
/// # Errors
/// Those of candle.
pub(super) fn keep(argument: &Tensor, gradient: Tensor) -> Result<Option<Tensor>> {
    if !argument.is_variable() {
        return Ok(Some(gradient));
    }
    KEPT.with_borrow_mut(|kept| {
        let Some(kept) = kept else { return Ok(Some(gradient)) };
        let sum = match kept.remove(&argument.id()) {
            Some(before) => (before + gradient)?,
            None => gradient,
        };
        kept.insert(argument.id(), sum.detach());
        Ok(None)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::nn::Pass;
    use crate::nn::anime::{AnimeConfig, anime};
    use crate::nn::generator::Generator;
    use crate::nn::init::Parameters;
    use crate::nn::patch_gan::{PatchGanConfig, patch_gan};
    use candle_core::{Device, Var};

    /// A network twice, so that every parameter has two gradients, and one of them once more in an op of candle's.
    #[test]
    fn they_are_candles() {
        let (generator, judge) = (Parameters::default(), Parameters::default());
        let config = AnimeConfig { widths: vec![4, 6], styles: 2, recolours: true, ..AnimeConfig::default() };
        let network = anime(&config, generator.seeded(1, &Device::Cpu)).unwrap();
        let config = PatchGanConfig { width: 4, layers: 2, ..PatchGanConfig::default() };
        let critic = patch_gan(config, judge.seeded(2, &Device::Cpu)).unwrap();
        let style = Tensor::new(&[[0.3f32, 0.6]], &Device::Cpu).unwrap();
        let pass = Pass { training: true, noise: None, style: Some(&style) };
        let wave = |by: f32| {
            let values: Vec<f32> = (0..3 * 32 * 32).map(|i| (i as f32 * by).sin()).collect();
            Tensor::from_vec(values, (1, 3, 32, 32), &Device::Cpu).unwrap()
        };
        let drawn = [0.37, 0.11].map(|by| network.forward(&wave(by), &pass).unwrap());
        let scores = drawn.each_ref().map(|drawn| critic.forward(&wave(0.2), drawn, &pass).unwrap());
        let (_, parameter) = generator.trainable().swap_remove(0);
        let sum = scores.iter().fold(parameter.sqr().unwrap().sum_all().unwrap(), |sum, scores| {
            (sum + scores.sqr().unwrap().mean_all().unwrap()).unwrap()
        });
        let (expected, actual) = (sum.backward().unwrap(), backward(&sum).unwrap());
        let all: Vec<(String, Var)> = generator.trainable().into_iter().chain(judge.trainable()).collect();
        let mut filled = 0;
        for (name, parameter) in all {
            let of = |gradients: &GradStore| {
                let gradient = gradients.get(parameter.as_tensor()).unwrap();
                assert_eq!(gradient.shape(), parameter.shape(), "{name}");
                gradient.flatten_all().unwrap().to_vec1::<f32>().unwrap()
            };
            let (expected, actual) = (of(&expected), of(&actual));
            filled += usize::from(expected.iter().any(|value| *value != 0.0));
            for (expected, actual) in expected.iter().zip(&actual) {
                assert!((expected - actual).abs() <= 1e-6 * expected.abs().max(1e-3), "{name}: {actual} {expected}");
            }
        }
        assert!(filled > 10, "{filled}");
        assert!(KEPT.take().is_none(), "what is kept is kept no longer than for one loss");
    }
}
