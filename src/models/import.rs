//! Checkpoints of pytorch-CycleGAN-and-pix2pix become Sakuga's models.
//!
//! A `.pth` (`container`) is a zip (`archive`) or, before PyTorch 1.6, a form of
//! its own (`legacy`). In both a `pickle` names the tensors, and their raw
//! numbers lie beside it. Nothing in it is ever run: the pickle's reader knows
//! the few objects a state dict consists of and refuses every other by name.
//! `unet`, `resnet` and `patch_gan` tell from the names and shapes what network
//! it is.

mod archive;
mod container;
mod cursor;
mod legacy;
mod patch_gan;
mod pickle;
mod resnet;
pub(super) mod slots;
mod state_dict;
mod stored;
mod unet;

use super::architecture::Architecture;
use super::publish::Tensors;
use crate::nn::norm::{NormKind, Statistics};
use crate::nn::patch_gan::PatchGanConfig;
use crate::nn::pix2pix::Pix2pixConfig;
use crate::nn::resnet::{RESNET_6, RESNET_9};
use crate::nn::unet::{UNET_128, UNET_256};
use crate::nn::{Generator, Pass};
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use container::Container;
use slots::{Slot, Slots};
use state_dict::StateDict;
use std::path::Path;
use thiserror::Error;

/// Why a checkpoint cannot be imported, and what to do about it.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The file is missing or cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// It is no checkpoint, or too large a one.
    #[error("it is {0}")]
    Kind(String),
    /// A checkpoint that contradicts itself or is not whole.
    #[error("it is damaged: {0}; copy or save it again")]
    Damaged(String),
    /// The pickle wants an object that is no part of a state dict.
    #[error("it asks for {0}, which is no part of a state dict; {SAVE_WEIGHTS}")]
    Forbidden(String),
    /// A pickle of something else than names and tensors.
    #[error("it is no state dict: {0}; {SAVE_WEIGHTS}")]
    NoStateDict(String),
    /// A network that is known but cannot be imported.
    #[error("it is {0}")]
    Unsupported(String),
    /// A tensor that the network does not have, lacks or has otherwise.
    #[error("it does not fit a {network}: {reason}")]
    Misfit {
        /// What the network seems to be.
        network: &'static str,
        /// The tensor, and what is wrong with it.
        reason: String,
    },
    /// The network does not run.
    #[error("the network cannot draw with it: {0}")]
    Run(String),
}

/// What a user does whose file holds more than weights.
const SAVE_WEIGHTS: &str = "save the weights alone, in PyTorch: torch.save(net.state_dict(), FILE)";

/// A network that was read from a checkpoint.
#[derive(Debug)]
pub struct Imported {
    /// Its kind and sizes, inferred from the tensors.
    pub architecture: Architecture,
    /// Its tensors in f32, by Sakuga's names.
    pub tensors: Tensors,
    /// What both sides of its photos are multiples of.
    pub size_multiple: usize,
    /// How far a pixel of the photo can change the picture; `None`: everywhere.
    pub reach: Option<usize>,
}

/// What a generator's checkpoint must be, and how it is to draw.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// The architecture (`unet_256` …); any, if `None`.
    pub kind: Option<&'a str>,
    /// Its norm; any, if `None`.
    pub norm: Option<NormKind>,
    /// What its batch norm takes for its statistics.
    pub statistics: Statistics,
}

/// Reads the generator of the checkpoint `file`. It is made to draw a grey
/// photo: weights that cannot are found here, not when a service starts.
///
/// # Errors
/// When it is not a state dict of such a U-Net or residual generator, or it does not draw.
pub fn read(file: &Path, wanted: &Wanted<'_>) -> Result<Imported, ImportError> {
    let mut container = Container::open(file)?;
    let state = container.state()?;
    let (architecture, norm, slots) = generator(&state, wanted.statistics)?;
    if let Some(kind) = wanted.kind.filter(|kind| *kind != architecture.kind()) {
        return Err(ImportError::Kind(format!("a {}, not a {kind}: leave --arch out", architecture.kind())));
    }
    if wanted.norm.is_some_and(|wanted| wanted != norm) {
        let name = format!("{norm:?}").to_lowercase();
        return Err(ImportError::Kind(format!("a {} with {name} norm: leave --norm out", architecture.kind())));
    }
    let (inputs, outputs) = architecture.channels();
    if ![inputs, outputs].iter().all(|channels| [1, 3, 4].contains(channels)) {
        return Err(ImportError::Unsupported(format!(
            "a generator from {inputs} to {outputs} channels: pictures have 1 (grey), 3 (RGB) or 4 (RGB and alpha)"
        )));
    }
    let tensors = load(slots.matched(architecture.kind(), norm, &state)?, &state, &mut container)?;
    let vb = VarBuilder::from_tensors(tensors.clone(), DType::F32, &Device::Cpu);
    let network = architecture.build(vb).map_err(|error| ImportError::Run(error.to_string()))?;
    draws(network.as_ref(), inputs)?;
    Ok(Imported { size_multiple: network.multiple(), reach: network.reach(), architecture, tensors })
}

/// Reads the discriminator of the checkpoint `file`, which judges photos and pictures of `channels` channels together.
///
/// # Errors
/// When it is not a state dict of such a discriminator.
pub fn read_discriminator(file: &Path, channels: usize) -> Result<(PatchGanConfig, Tensors), ImportError> {
    let mut container = Container::open(file)?;
    let state = container.state()?;
    let Some(config) = patch_gan::infer(&state, channels)? else { return Err(unknown(&state)) };
    let slots = patch_gan::slots(&config).matched("discriminator", config.norm, &state)?;
    Ok((config, load(slots, &state, &mut container)?))
}

/// What the reference implementation calls each tensor of this generator;
/// `None` where it has no such network.
pub(super) fn generator_slots(architecture: &Architecture) -> Option<Slots> {
    match architecture {
        Architecture::Anime(_) => None,
        Architecture::UNet256(config) => Some(unet::slots(UNET_256, config)),
        Architecture::UNet128(config) => Some(unet::slots(UNET_128, config)),
        Architecture::ResNet9(config) => Some(resnet::slots(RESNET_9, config)),
        Architecture::ResNet6(config) => Some(resnet::slots(RESNET_6, config)),
    }
}

/// The same for a discriminator.
pub(super) fn discriminator_slots(config: &PatchGanConfig) -> Option<Slots> {
    (!config.spectral && config.scales < 2).then(|| patch_gan::slots(config))
}

fn generator(state: &StateDict, statistics: Statistics) -> Result<(Architecture, NormKind, Slots), ImportError> {
    if let Some((depth, config)) = unet::infer(state)? {
        let slots = unet::slots(depth, &config);
        let config = Pix2pixConfig { statistics, ..config };
        let architecture =
            if depth == UNET_256 { Architecture::UNet256(config) } else { Architecture::UNet128(config) };
        return Ok((architecture, config.norm, slots));
    }
    if let Some((blocks, config)) = resnet::infer(state)? {
        let slots = resnet::slots(blocks, &config);
        let config = Pix2pixConfig { statistics, ..config };
        let architecture =
            if blocks == RESNET_9 { Architecture::ResNet9(config) } else { Architecture::ResNet6(config) };
        return Ok((architecture, config.norm, slots));
    }
    Err(unknown(state))
}

/// What else it may be.
fn unknown(state: &StateDict) -> ImportError {
    let known = if state.has("model.0.weight") || state.has("net.0.weight") {
        "a discriminator: import the generator, which is called latest_net_G.pth, and name this one by \
         --with-discriminator"
            .into()
    } else if state.has("model.model.0.weight") || state.has("model.1.weight") {
        "a generator, where a discriminator is wanted: that is called latest_net_D.pth".into()
    } else {
        let first = state.names().next().map(quoted).unwrap_or_default();
        format!(
            "of no network of pytorch-CycleGAN-and-pix2pix: it has neither \"model.model.0.weight\" nor \"model.1.weight\", but {first}"
        )
    };
    ImportError::Unsupported(known)
}

fn load(slots: Vec<Slot>, state: &StateDict, container: &mut Container) -> Result<Tensors, ImportError> {
    slots.into_iter().map(|slot| Ok((slot.ours, state.load(&slot.theirs, container)?))).collect()
}

fn draws(network: &dyn Generator, channels: usize) -> Result<(), ImportError> {
    // Large enough for norms by each picture's own statistics.
    let side = 16usize.next_multiple_of(network.multiple());
    let drawn = || {
        let photo = Tensor::zeros((1, channels, side, side), DType::F32, &Device::Cpu)?;
        network.forward(&photo, &Pass::INFERENCE)?.flatten_all()?.to_vec1::<f32>()
    };
    match drawn() {
        Ok(values) if values.iter().all(|value| value.is_finite()) => Ok(()),
        Ok(_) => Err(ImportError::Run("a grey photo gives values that are not finite".into())),
        Err(error) => Err(ImportError::Run(error.to_string())),
    }
}

/// A name out of a file, fit for one line of a message.
fn quoted(name: &str) -> String {
    const LONGEST: usize = 100;
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}…", &name[..end]),
        None => format!("{name:?}"),
    }
}
