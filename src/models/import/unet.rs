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
    let statistics = state.names().any(|name| name.ends_with(".running_mean"));
    let scales = state.has(&format!("{}.2.weight", path(2)));
    if !(statistics && scales) {
        let norm = if state.has("model.model.0.bias") { "instance norm" } else { "no norm" };
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
