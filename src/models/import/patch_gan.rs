//! The discriminators of pytorch-CycleGAN-and-pix2pix: `basic` and `n_layers`
//! judge patches and call their modules `model`; `pixel` judges pixels and
//! calls them `net`.

use super::ImportError;
use super::slots::{Slots, norm};
use super::state_dict::StateDict;
use crate::nn::norm::NormKind;
use crate::nn::patch_gan::PatchGanConfig;

/// The sizes of the discriminator that `state` is of; `None` where it is of another network.
///
/// # Errors
/// When it judges pictures of other channels than `inputs`: photo and picture together.
pub fn infer(state: &StateDict, inputs: usize) -> Result<Option<PatchGanConfig>, ImportError> {
    let (top, kernel) = match (state.shape("model.0.weight"), state.shape("net.0.weight")) {
        (Some(&[_, _, 4, 4]), _) => ("model", 4),
        (_, Some(&[_, _, 1, 1])) => ("net", 1),
        _ => return Ok(None),
    };
    let Some(&[width, channels, ..]) = state.shape(&format!("{top}.0.weight")) else { return Ok(None) };
    if channels != inputs {
        let what =
            if inputs > channels { "; it may have judged pictures without their photos, as CycleGAN's do" } else { "" };
        return Err(ImportError::Unsupported(format!(
            "a discriminator of {channels} channels, where photo and picture have {inputs} together{what}"
        )));
    }
    // Every third module from 2 on is a convolution; the last judges.
    let convolutions = (0..).take_while(|i| state.has(&format!("{top}.{}.weight", 2 + 3 * i))).count();
    let layers = if kernel == 1 { 0 } else { convolutions.saturating_sub(1) };
    // The first convolution has a bias whatever the norm is.
    let norm = norm(state, &format!("{top}.2.bias"));
    Ok(Some(PatchGanConfig { inputs, width, layers, norm, ..PatchGanConfig::default() }))
}

/// Every tensor of a discriminator.
pub fn slots(config: &PatchGanConfig) -> Slots {
    let PatchGanConfig { inputs, width, layers, norm, .. } = *config;
    let (top, kernel, levels) = if layers == 0 { ("net", 1, 1) } else { ("model", 4, layers) };
    let channels = |level: usize| width << level.min(3);
    let mut slots = Slots::default();
    slots.conv("layer1.conv", &format!("{top}.0"), [width, inputs, kernel, kernel], Some(width));
    for level in 1..=levels {
        let (at, outputs) = (3 * level - 1, channels(level));
        let ours = ["conv", "norm"].map(|what| format!("layer{}.{what}", level + 1));
        let weight = [outputs, channels(level - 1), kernel, kernel];
        slots.conv(&ours[0], &format!("{top}.{at}"), weight, norm.needs_bias().then_some(outputs));
        slots.norm(norm, &ours[1], &format!("{top}.{}", at + 1), outputs);
    }
    let bias = kernel > 1 || norm == NormKind::Instance;
    let judge = format!("{top}.{}", 3 * levels + 2);
    slots.conv("judge", &judge, [1, channels(levels), kernel, kernel], bias.then_some(1));
    slots
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn tensors_are_as_many_as_the_reference_has() {
        let last = |config: &PatchGanConfig| slots(config).iter().last().map(|slot| slot.theirs.clone()).unwrap();
        let basic = PatchGanConfig::default();
        // 22 there, of which 3 count steps.
        assert_eq!((slots(&basic).iter().count(), last(&basic).as_str()), (19, "model.11.bias"));
        let instance = PatchGanConfig { norm: NormKind::Instance, ..basic };
        assert_eq!(slots(&instance).iter().count(), 10);
        // 9 there, one of which counts steps.
        let pixel = PatchGanConfig { layers: 0, ..basic };
        assert_eq!((slots(&pixel).iter().count(), last(&pixel).as_str()), (8, "net.5.weight"));
    }
}
