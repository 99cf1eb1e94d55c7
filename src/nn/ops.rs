//! What every custom op needs: plain slices out of candle's storage, and gradients that hold on to nothing.

use candle_core::{CpuStorage, Layout, Result, Tensor, bail};
use std::sync::OnceLock;

/// An op's argument, to make a gradient of.
///
/// candle cuts the graph of the gradients that it hands to an op, but not of the op's arguments: made of those, the
/// gradient of a weight would keep the layer's values and all its own parts until it is used, three times the memory.
/// Where candle is told to keep the graph of gradients, so is this.
pub(super) fn apart(argument: &Tensor) -> Tensor {
    static KEEPS: OnceLock<bool> = OnceLock::new();
    let variable = || std::env::var("CANDLE_GRAD_DO_NOT_DETACH").unwrap_or_default();
    let keeps = *KEEPS.get_or_init(|| !matches!(variable().as_str(), "" | "0"));
    if keeps { argument.clone() } else { argument.detach() }
}

/// The values of a contiguous f32 tensor.
pub(super) fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("expected a contiguous tensor, got strides {:?}", layout.stride()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::nn::Pass;
    use crate::nn::anime::{AnimeConfig, anime};
    use crate::nn::generator::Generator;
    use crate::nn::init::Parameters;
    use crate::nn::patch_gan::{PatchGanConfig, patch_gan};
    use candle_core::{Device, Tensor};

    #[test]
    fn gradients_hold_on_to_nothing() {
        let (generator, judge) = (Parameters::default(), Parameters::default());
        let config = AnimeConfig { widths: vec![4, 6], styles: 2, recolours: true, ..AnimeConfig::default() };
        let network = anime(&config, generator.seeded(1, &Device::Cpu)).unwrap();
        let config = PatchGanConfig { width: 4, layers: 2, ..PatchGanConfig::default() };
        let critic = patch_gan(config, judge.seeded(2, &Device::Cpu)).unwrap();
        let photo = Tensor::rand(-1f32, 1f32, (2, 3, 32, 32), &Device::Cpu).unwrap();
        let style = Tensor::rand(0f32, 1f32, (2, 2), &Device::Cpu).unwrap();
        let pass = Pass { training: true, noise: None, style: Some(&style) };
        let drawn = network.forward(&photo, &pass).unwrap();
        let grads = critic.forward(&photo, &drawn, &pass).unwrap().mean_all().unwrap().backward().unwrap();
        for (name, parameter) in generator.trainable().into_iter().chain(judge.trainable()) {
            assert!(!grads.get(&parameter).unwrap().track_op(), "the gradient of {name} keeps what it was made of");
        }
    }
}
