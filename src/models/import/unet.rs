//! The U-Net of pytorch-CycleGAN-and-pix2pix: what its state dict is called
//! and shaped.
//!
//! There a level is a module inside the level around it, so that names grow
//! with the depth: level 1 is `model.model`, level 2 `model.model.1.model`, and
//! each further one adds `.3.model`. In a level the modules are numbered in the
//! order they run, activations and dropout included.

use super::state_dict::StateDict;
use super::{ImportError, quoted};
use crate::models::Architecture;
use crate::nn::norm::NormKind;
use crate::nn::unet::{UNET_128, UNET_256, UNetConfig};

/// One tensor: our name, theirs and the shape of both.
pub struct Slot {
    pub ours: String,
    pub theirs: String,
    pub shape: Vec<usize>,
}

/// A U-Net, as its state dict tells it.
pub struct Found {
    depth: usize,
    config: UNetConfig,
}

/// What network the state dict is of.
///
/// # Errors
/// When it is not a U-Net of seven or eight halvings with batch norm, RGB to RGB.
pub fn infer(state: &StateDict) -> Result<Found, ImportError> {
    let [Some([width, inputs, ..]), Some([_, outputs, ..])] =
        ["model.model.0.weight", "model.model.3.weight"].map(|name| state.shape(name))
    else {
        return Err(other(state));
    };
    let depth =
        1 + (2..).take_while(|level| state.names().any(|name| name.starts_with(&format!("{}.", path(*level))))).count();
    let unsupported = |what: String| Err(ImportError::Unsupported(what));
    if depth != UNET_128 && depth != UNET_256 {
        return unsupported(format!("a U-Net of {depth} halvings: only unet_128 (7) and unet_256 (8) can be imported"));
    }
    // Only instance norm leaves the first convolution a bias; files from before
    // PyTorch 0.4 have statistics with it all the same.
    let norm = match state.has("model.model.0.bias") {
        true => Some("instance norm"),
        false if !state.names().any(|name| name.ends_with(".running_mean")) => Some("no norm"),
        false => None,
    };
    if let Some(norm) = norm {
        return unsupported(format!("a U-Net with {norm}: only batch norm (--norm batch) can be imported yet"));
    }
    if (*inputs, *outputs) != (3, 3) {
        return unsupported(format!(
            "a U-Net from {inputs} to {outputs} channels: only RGB to RGB can be imported yet"
        ));
    }
    Ok(Found { depth, config: UNetConfig { width: *width, norm: NormKind::Batch, ..UNetConfig::default() } })
}

/// What else it may be: the repository's other networks by name.
fn other(state: &StateDict) -> ImportError {
    let known = if state.names().any(|name| name.contains(".conv_block.")) {
        let mut blocks: Vec<_> =
            state.names().filter_map(|name| name.split_once(".conv_block.").map(|(block, _)| block)).collect();
        blocks.dedup();
        format!("a resnet_{}blocks generator: only unet_256 and unet_128 can be imported yet", blocks.len())
    } else if state.has("model.0.weight") || state.has("net.0.weight") {
        "a discriminator: import the generator, which is called latest_net_G.pth".into()
    } else {
        let first = state.names().next().map(quoted).unwrap_or_default();
        format!("of no network of pytorch-CycleGAN-and-pix2pix: it has no \"model.model.0.weight\", but {first}")
    };
    ImportError::Unsupported(known)
}

/// Where a level's modules are; 1 is the outermost.
fn path(level: usize) -> String {
    match level {
        1 => "model.model".into(),
        _ => format!("model.model.1.model{}", ".3.model".repeat(level - 2)),
    }
}

impl Found {
    /// Its kind and sizes.
    pub fn architecture(&self) -> Architecture {
        match self.depth {
            UNET_256 => Architecture::UNet256(self.config),
            _ => Architecture::UNet128(self.config),
        }
    }

    /// Every tensor that it has.
    ///
    /// # Errors
    /// When the state dict lacks one, has one of another shape or one more.
    pub fn slots(&self, state: &StateDict) -> Result<Vec<Slot>, ImportError> {
        let misfit = |reason: String| ImportError::Misfit { network: self.architecture().kind(), reason };
        let slots: Vec<Slot> = (1..=self.depth).flat_map(|level| self.level(level)).collect();
        for Slot { theirs, shape, .. } in &slots {
            match state.shape(theirs) {
                Some(found) if found == shape => {}
                Some(found) => return Err(misfit(format!("{theirs:?} has the shape {found:?} instead of {shape:?}"))),
                None => return Err(misfit(format!("{theirs:?} is missing"))),
            }
        }
        // A counter of training steps, which files from before PyTorch 0.4.1 lack.
        let counter = |name: &str| name.ends_with(".num_batches_tracked");
        match state.names().find(|name| !counter(name) && slots.iter().all(|slot| slot.theirs != *name)) {
            Some(more) => Err(misfit(format!("it has no {}", quoted(more)))),
            None => Ok(slots),
        }
    }

    fn level(&self, level: usize) -> Vec<Slot> {
        let (outer, inner) = (level == 1, level == self.depth);
        let UNetConfig { inputs, outputs, width, .. } = self.config;
        let channels = |level: usize| width << (level - 1).min(3);
        let (around, here) = (level - 1, channels(level));
        let (above, below) = if outer { (inputs, outputs) } else { (channels(around), channels(around)) };
        let joined = if inner { here } else { 2 * here };
        let (down, up) = (if outer { 0 } else { 1 }, if outer || inner { 3 } else { 5 });

        let mut slots = Vec::new();
        let mut add = |ours: &str, at: usize, what: &str, shape: &[usize]| {
            slots.push(Slot {
                ours: format!("{}.{what}", ours.replace('#', &level.to_string())),
                theirs: format!("{}.{at}.{what}", path(level)),
                shape: shape.to_vec(),
            });
        };
        add("down#.conv", down, "weight", &[here, above, 4, 4]);
        add("up#.conv", up, "weight", &[joined, below, 4, 4]);
        if outer {
            add("up#.conv", up, "bias", &[below]);
        }
        for what in ["weight", "bias", "running_mean", "running_var"] {
            if !outer && !inner {
                add("down#.norm", down + 1, what, &[here]);
            }
            if !outer {
                add("up#.norm", up + 1, what, &[below]);
            }
        }
        slots
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::stored::{Number, Storage, StoredTensor};
    use super::*;

    /// The names and shapes of a U-Net, as its file would have them.
    fn shapes(depth: usize, width: usize) -> Vec<(String, Vec<usize>)> {
        let found = Found { depth, config: UNetConfig { width, ..UNetConfig::default() } };
        (1..=depth).flat_map(|level| found.level(level)).map(|slot| (slot.theirs, slot.shape)).collect()
    }

    fn state(shapes: Vec<(String, Vec<usize>)>) -> StateDict {
        let stored = |shape: Vec<usize>| {
            let storage = Storage { key: "0".into(), number: Number::F32, count: shape.iter().product() };
            StoredTensor { storage, offset: 0, strides: vec![0; shape.len()], shape }
        };
        StateDict::of(shapes.into_iter().map(|(name, shape)| (name, stored(shape))).collect(), u64::MAX).unwrap()
    }

    #[track_caller]
    fn refused(shapes: Vec<(String, Vec<usize>)>, needle: &str) {
        let state = state(shapes);
        let error = infer(&state).and_then(|found| found.slots(&state)).err().unwrap().to_string();
        assert!(error.contains(needle), "{error}");
    }

    #[test]
    fn sizes_are_found_out() {
        for (depth, width, kind, tensors) in [(8, 64, "unet_256", 69), (7, 24, "unet_128", 59)] {
            let mut shapes = shapes(depth, width);
            shapes.push(("model.model.1.model.2.num_batches_tracked".into(), vec![]));
            let state = state(shapes);
            let found = infer(&state).unwrap();
            assert_eq!((found.depth, found.config.width, found.architecture().kind()), (depth, width, kind));
            assert_eq!(found.slots(&state).unwrap().len(), tensors);
        }
    }

    #[test]
    fn other_u_nets_are_refused() {
        refused(shapes(9, 4), "a U-Net of 9 halvings: only unet_128 (7) and unet_256 (8)");
        let mut instance = shapes(8, 4);
        instance.retain(|(name, _)| !name.contains(".running_"));
        refused(instance.clone(), "a U-Net with no norm");
        instance.push(("model.model.0.bias".into(), vec![4]));
        refused(instance, "a U-Net with instance norm");
        let mut grey = shapes(8, 4);
        grey[0].1[1] = 1;
        refused(grey, "from 1 to 3 channels");
    }

    #[test]
    fn tensors_that_do_not_fit_are_named() {
        let mut less = shapes(7, 4);
        let (name, _) = less.remove(5);
        refused(less, &format!("it does not fit a unet_128: {name:?} is missing"));
        let mut more = shapes(7, 4);
        more.push(("model.model.9.weight".into(), vec![1]));
        refused(more, "it has no \"model.model.9.weight\"");
        let mut other = shapes(7, 4);
        other[3].1[0] += 1;
        refused(other, "instead of");
    }
}
