//! The residual generator of pytorch-CycleGAN-and-pix2pix: one sequence of
//! modules called `model`, numbered in the order they run, the mirrored borders
//! and activations included.

use super::ImportError;
use super::slots::{Slots, norm};
use super::state_dict::StateDict;
use crate::nn::pix2pix::Pix2pixConfig;
use crate::nn::resnet::{RESNET_6, RESNET_9};

/// Where the first block is; the modules of a block follow `conv_block`.
const FIRST: usize = 10;

/// The blocks and the sizes of the residual generator that `state` is of; `None` where it is of another network.
///
/// # Errors
/// When it has neither six nor nine blocks.
pub fn infer(state: &StateDict) -> Result<Option<(usize, Pix2pixConfig)>, ImportError> {
    let Some(&[width, inputs, 7, 7]) = state.shape("model.1.weight") else { return Ok(None) };
    let blocks = (FIRST..).take_while(|at| state.has(&format!("model.{at}.conv_block.1.weight"))).count();
    if blocks != RESNET_6 && blocks != RESNET_9 {
        let what =
            format!("a residual generator of {blocks} blocks: only resnet_6blocks and resnet_9blocks can be imported");
        return Err(ImportError::Unsupported(what));
    }
    let Some(&[outputs, ..]) = state.shape(&format!("{}.weight", head(blocks))) else { return Ok(None) };
    // Dropout has no tensors, but moves the second convolution from the fifth place.
    let dropout = if state.has(&format!("model.{FIRST}.conv_block.5.weight")) { 0.0 } else { 0.5 };
    let norm = norm(state, "model.1.bias");
    Ok(Some((blocks, Pix2pixConfig { inputs, outputs, width, norm, dropout, ..Pix2pixConfig::default() })))
}

/// The last convolution: two doublings of three modules, and a border, after the blocks.
fn head(blocks: usize) -> String {
    format!("model.{}", FIRST + blocks + 7)
}

/// Every tensor of a residual generator of `blocks` blocks.
pub fn slots(blocks: usize, config: &Pix2pixConfig) -> Slots {
    let Pix2pixConfig { inputs, outputs, width, norm, .. } = *config;
    let mut slots = Slots::default();
    let mut layer =
        |(ours_conv, ours_norm): (&str, &str), (conv, norm_at): (&str, &str), weight: [usize; 4], channels| {
            slots.conv(ours_conv, conv, weight, norm.needs_bias().then_some(channels));
            slots.norm(norm, ours_norm, norm_at, channels);
        };
    let mut plain = |ours: &str, at: usize, weight, channels| {
        let ours = [format!("{ours}.conv"), format!("{ours}.norm")];
        let theirs = [format!("model.{at}"), format!("model.{}", at + 1)];
        layer((&ours[0], &ours[1]), (&theirs[0], &theirs[1]), weight, channels);
    };
    plain("stem", 1, [width, inputs, 7, 7], width);
    plain("down1", 4, [2 * width, width, 3, 3], 2 * width);
    plain("down2", 7, [4 * width, 2 * width, 3, 3], 4 * width);
    plain("up1", FIRST + blocks, [4 * width, 2 * width, 3, 3], 2 * width);
    plain("up2", FIRST + blocks + 3, [2 * width, width, 3, 3], width);
    let second = if config.dropout > 0.0 { 6 } else { 5 };
    for block in 0..blocks {
        let path = format!("model.{}.conv_block", FIRST + block);
        for (i, at) in [(1, 1), (2, second)] {
            let ours = ["conv", "norm"].map(|what| format!("block{}.{what}{i}", block + 1));
            let theirs = [at, at + 1].map(|at| format!("{path}.{at}"));
            layer((&ours[0], &ours[1]), (&theirs[0], &theirs[1]), [4 * width, 4 * width, 3, 3], 4 * width);
        }
    }
    slots.conv("head.conv", &head(blocks), [outputs, width, 7, 7], Some(outputs));
    slots
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::nn::norm::NormKind;

    #[test]
    fn tensors_are_as_many_as_the_reference_has() {
        // 140 and 48 there, of which 23 count steps.
        let config = Pix2pixConfig::default();
        assert_eq!(slots(9, &config).iter().count(), 140 - 23);
        assert_eq!(slots(9, &Pix2pixConfig { norm: NormKind::Instance, ..config }).iter().count(), 48);
        let last = slots(9, &config).iter().last().map(|slot| slot.theirs.clone()).unwrap();
        assert_eq!(last, "model.26.bias");
    }
}
