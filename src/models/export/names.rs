//! What the tensors are called in pytorch-CycleGAN-and-pix2pix.
//!
//! There a level of a U-Net is a module inside the level around it: level 1 is
//! `model.model`, level 2 `model.model.1.model`, and each further one adds
//! `.3.model`. In a level, and in a discriminator, the modules are numbered in
//! the order they run, activations included.

use crate::models::publish::Tensors;
use crate::nn::norm::NormKind;
use crate::nn::patch_gan::PatchGanConfig;

/// One entry of a state dict.
pub struct Entry {
    pub theirs: String,
    /// None: a batch norm's counter of training steps, which Sakuga does not keep.
    pub ours: Option<String>,
}

/// All entries of a network, in the order of its modules.
#[derive(Default)]
struct Entries(Vec<Entry>);

impl Entries {
    fn add(&mut self, theirs: &str, ours: &str, what: &[&str]) {
        let entry = |what: &&str| Entry { theirs: format!("{theirs}.{what}"), ours: Some(format!("{ours}.{what}")) };
        self.0.extend(what.iter().map(entry));
    }

    fn conv(&mut self, theirs: &str, ours: &str, bias: bool) {
        self.add(theirs, ours, if bias { &["weight", "bias"] } else { &["weight"] });
    }

    /// Only batch norm has tensors.
    fn norm(&mut self, theirs: &str, ours: &str, kind: NormKind) {
        if kind == NormKind::Batch {
            self.add(theirs, ours, &["weight", "bias", "running_mean", "running_var"]);
            self.0.push(Entry { theirs: format!("{theirs}.num_batches_tracked"), ours: None });
        }
    }
}

/// A U-Net of `depth` halvings.
pub fn unet(depth: usize, norm: NormKind) -> Vec<Entry> {
    let mut entries = Entries::default();
    for level in 1..=depth {
        let (outer, inner, path) = (level == 1, level == depth, path(level));
        let conv = if outer { 0 } else { 1 };
        entries.conv(&format!("{path}.{conv}"), &format!("down{level}.conv"), norm.needs_bias());
        if !outer && !inner {
            entries.norm(&format!("{path}.{}", conv + 1), &format!("down{level}.norm"), norm);
        }
    }
    for level in (1..=depth).rev() {
        let (outer, inner, path) = (level == 1, level == depth, path(level));
        let conv = if outer || inner { 3 } else { 5 };
        entries.conv(&format!("{path}.{conv}"), &format!("up{level}.conv"), outer || norm.needs_bias());
        if !outer {
            entries.norm(&format!("{path}.{}", conv + 1), &format!("up{level}.norm"), norm);
        }
    }
    entries.0
}

/// Where a level's modules are; 1 is the outermost.
fn path(level: usize) -> String {
    match level {
        1 => "model.model".into(),
        _ => format!("model.model.1.model{}", ".3.model".repeat(level - 2)),
    }
}

/// A PatchGAN: each layer but the first is a convolution, a norm and a rectifier.
pub fn patch_gan(config: &PatchGanConfig) -> Vec<Entry> {
    let mut entries = Entries::default();
    entries.conv("model.0", "layer1.conv", true);
    for layer in 0..config.layers {
        let (at, ours) = (3 * layer + 2, format!("layer{}", layer + 2));
        entries.conv(&format!("model.{at}"), &format!("{ours}.conv"), config.norm.needs_bias());
        entries.norm(&format!("model.{}", at + 1), &format!("{ours}.norm"), config.norm);
    }
    entries.conv(&format!("model.{}", 3 * config.layers + 2), "judge", true);
    entries.0
}

/// Sakuga's own names, sorted.
pub fn own(tensors: &Tensors) -> Vec<Entry> {
    let mut names: Vec<_> = tensors.keys().cloned().collect();
    names.sort();
    names.into_iter().map(|name| Entry { theirs: name.clone(), ours: Some(name) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_pytorch_saves() {
        // Counted in PyTorch, for each of the networks.
        let count = |entries: Vec<Entry>| entries.len();
        assert_eq!(count(unet(8, NormKind::Batch)), 82);
        assert_eq!(count(unet(8, NormKind::Instance)), 32);
        assert_eq!(count(unet(7, NormKind::Batch)), 70);
        assert_eq!(count(patch_gan(&PatchGanConfig::default())), 22);
        assert_eq!(count(patch_gan(&PatchGanConfig { norm: NormKind::Instance, ..PatchGanConfig::default() })), 10);
    }
}
