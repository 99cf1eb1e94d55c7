//! The U-Net of pytorch-CycleGAN-and-pix2pix: what its state dict is called
//! and shaped.
//!
//! There a level is a module inside the level around it, so that names grow
//! with the depth: level 1 is `model.model`, level 2 `model.model.1.model`, and
//! each further one adds `.3.model`. In a level the modules are numbered in the
//! order they run, activations and dropout included.

use super::ImportError;
use super::slots::{Slots, norm};
use super::state_dict::StateDict;
use crate::nn::pix2pix::Pix2pixConfig;
use crate::nn::unet::{UNET_128, UNET_256};

/// The depth and the sizes of the U-Net that `state` is of; `None` where it is of another network.
///
/// # Errors
/// When it has neither seven nor eight halvings.
pub fn infer(state: &StateDict) -> Result<Option<(usize, Pix2pixConfig)>, ImportError> {
    let [Some(&[width, inputs, ..]), Some(&[_, outputs, ..])] =
        ["model.model.0.weight", "model.model.3.weight"].map(|name| state.shape(name))
    else {
        return Ok(None);
    };
    let depth =
        1 + (2..).take_while(|level| state.names().any(|name| name.starts_with(&format!("{}.", path(*level))))).count();
    if depth != UNET_128 && depth != UNET_256 {
        let what = format!("a U-Net of {depth} halvings: only unet_128 (7) and unet_256 (8) can be imported");
        return Err(ImportError::Unsupported(what));
    }
    let norm = norm(state, "model.model.0.bias");
    Ok(Some((depth, Pix2pixConfig { inputs, outputs, width, norm, ..Pix2pixConfig::default() })))
}

/// Where a level's modules are; 1 is the outermost.
fn path(level: usize) -> String {
    match level {
        1 => "model.model".into(),
        _ => format!("model.model.1.model{}", ".3.model".repeat(level - 2)),
    }
}

/// Every tensor of a U-Net of `depth` levels.
pub fn slots(depth: usize, config: &Pix2pixConfig) -> Slots {
    let mut slots = Slots::default();
    for level in 1..=depth {
        add_level(&mut slots, (level, depth), config);
    }
    slots
}

fn add_level(slots: &mut Slots, (level, depth): (usize, usize), config: &Pix2pixConfig) {
    let (outer, inner) = (level == 1, level == depth);
    let Pix2pixConfig { inputs, outputs, width, norm, .. } = *config;
    let channels = |level: usize| width << (level - 1).min(3);
    let (around, here) = (level - 1, channels(level));
    let (above, below) = if outer { (inputs, outputs) } else { (channels(around), channels(around)) };
    let joined = if inner { here } else { 2 * here };
    let up = if outer || inner { 3 } else { 5 };
    let path = path(level);
    let at = |index: usize| format!("{path}.{index}");
    let [down_conv, down_norm, up_conv, up_norm] =
        ["down#.conv", "down#.norm", "up#.conv", "up#.norm"].map(|name| name.replace('#', &level.to_string()));

    let biased = norm.needs_bias();
    slots.conv(&down_conv, &at(if outer { 0 } else { 1 }), [here, above, 4, 4], biased.then_some(here));
    slots.conv(&up_conv, &at(up), [joined, below, 4, 4], (outer || biased).then_some(below));
    if !outer && !inner {
        slots.norm(norm, &down_norm, &at(2), here);
    }
    if !outer {
        slots.norm(norm, &up_norm, &at(up + 1), below);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::stored::{Number, Storage, StoredTensor};
    use super::*;
    use crate::nn::norm::NormKind;

    /// The names and shapes of a U-Net, as its file would have them.
    fn shapes(depth: usize, config: &Pix2pixConfig) -> Vec<(String, Vec<usize>)> {
        slots(depth, config).iter().map(|slot| (slot.theirs.clone(), slot.shape.clone())).collect()
    }

    fn state(shapes: Vec<(String, Vec<usize>)>) -> StateDict {
        let stored = |shape: Vec<usize>| {
            let storage = Storage { key: "0".into(), number: Number::F32, count: shape.iter().product() };
            StoredTensor { storage, offset: 0, strides: vec![0; shape.len()], shape }
        };
        StateDict::of(shapes.into_iter().map(|(name, shape)| (name, stored(shape))).collect(), u64::MAX).unwrap()
    }

    fn of_width(width: usize) -> Pix2pixConfig {
        Pix2pixConfig { width, ..Pix2pixConfig::default() }
    }

    #[track_caller]
    fn refused(shapes: Vec<(String, Vec<usize>)>, needle: &str) {
        let state = state(shapes);
        let matched =
            |(depth, config): (usize, Pix2pixConfig)| slots(depth, &config).matched("U-Net", config.norm, &state);
        let error = infer(&state).and_then(|found| matched(found.unwrap())).err().unwrap().to_string();
        assert!(error.contains(needle), "{error}");
    }

    #[test]
    fn sizes_are_found_out() {
        for (depth, norm, tensors) in
            [(8, NormKind::Batch, 69), (7, NormKind::Batch, 59), (8, NormKind::Instance, 32), (7, NormKind::None, 15)]
        {
            let config = Pix2pixConfig { inputs: 1, outputs: 4, norm, ..of_width(24) };
            let mut shapes = shapes(depth, &config);
            shapes.push(("model.model.1.model.2.num_batches_tracked".into(), vec![]));
            if norm == NormKind::Instance {
                shapes.push(("model.model.1.model.2.running_mean".into(), vec![48]));
            }
            let state = state(shapes);
            assert_eq!(infer(&state).unwrap(), Some((depth, config)));
            assert_eq!(slots(depth, &config).matched("U-Net", norm, &state).unwrap().len(), tensors);
        }
    }

    #[test]
    fn another_depth_is_refused() {
        refused(shapes(9, &of_width(4)), "a U-Net of 9 halvings: only unet_128 (7) and unet_256 (8)");
    }

    #[test]
    fn tensors_that_do_not_fit_are_named() {
        let mut less = shapes(7, &of_width(4));
        let (name, _) = less.remove(5);
        refused(less, &format!("it does not fit a U-Net: {name:?} is missing"));
        let mut more = shapes(7, &of_width(4));
        more.push(("model.model.9.weight".into(), vec![1]));
        refused(more, "it has no \"model.model.9.weight\"");
        let mut other = shapes(7, &of_width(4));
        other[3].1[0] += 1;
        refused(other, "instead of");
    }
}
