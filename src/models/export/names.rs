//! The entries of a state dict, and which tensor of ours each is.

use crate::models::import::slots::Slots;
use crate::models::publish::Tensors;

/// One entry of a state dict.
pub struct Entry {
    pub theirs: String,
    /// None: a batch norm's counter of training steps, which Sakuga does not keep.
    pub ours: Option<String>,
}

/// All entries of a network of the reference implementation, as the import reads them.
pub fn theirs(slots: &Slots) -> Vec<Entry> {
    let mut entries = Vec::new();
    for slot in slots.iter() {
        entries.push(Entry { theirs: slot.theirs.clone(), ours: Some(slot.ours.clone()) });
        if let Some(norm) = slot.theirs.strip_suffix(".running_var") {
            entries.push(Entry { theirs: format!("{norm}.num_batches_tracked"), ours: None });
        }
    }
    entries
}

/// Sakuga's own names, sorted.
pub fn own(tensors: &Tensors) -> Vec<Entry> {
    let mut names: Vec<_> = tensors.keys().cloned().collect();
    names.sort();
    names.into_iter().map(|name| Entry { theirs: name.clone(), ours: Some(name) }).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::models::Architecture;
    use crate::models::import::{discriminator_slots, generator_slots};
    use crate::nn::norm::NormKind;
    use crate::nn::patch_gan::PatchGanConfig;
    use crate::nn::pix2pix::Pix2pixConfig;

    #[test]
    fn as_many_as_pytorch_saves() {
        // Counted in PyTorch, for each of the networks.
        let count = |slots: Option<Slots>| theirs(&slots.unwrap()).len();
        let unet = Pix2pixConfig::default();
        let plain = Pix2pixConfig { norm: NormKind::Instance, ..unet };
        assert_eq!(count(generator_slots(&Architecture::UNet256(unet))), 82);
        assert_eq!(count(generator_slots(&Architecture::UNet256(plain))), 32);
        assert_eq!(count(generator_slots(&Architecture::UNet128(unet))), 70);
        assert_eq!(count(generator_slots(&Architecture::ResNet9(Pix2pixConfig::default()))), 140);
        let judge = PatchGanConfig::default();
        assert_eq!(count(discriminator_slots(&judge)), 22);
        assert_eq!(count(discriminator_slots(&PatchGanConfig { norm: NormKind::Instance, ..judge })), 10);
        assert_eq!(count(discriminator_slots(&PatchGanConfig { layers: 0, ..judge })), 9);
    }
}
