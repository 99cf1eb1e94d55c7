//! Checkpoints of pytorch-CycleGAN-and-pix2pix become Sakuga's models.
//!
//! A `.pth` is a zip (`archive`) of one pickle (`pickle`) that names the
//! tensors, and a file of raw numbers a tensor. Nothing in it is ever run: the
//! pickle's reader knows the few objects a state dict consists of and refuses
//! every other by name. `unet` tells from the names and shapes what network
//! it is.

mod archive;
mod cursor;
mod pickle;
mod state_dict;
mod stored;
mod unet;

use super::architecture::Architecture;
use super::publish::Tensors;
use crate::nn::{Generator, Pass};
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
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

/// Reads the generator of the checkpoint `file`; where `kind` is given
/// (`unet_256` …) it must be one of that kind. It is made to draw a grey photo:
/// weights that cannot are found here, not when a service starts.
///
/// # Errors
/// When it is not a state dict of a U-Net with batch norm in the zip container,
/// or it does not draw.
pub fn read(file: &Path, kind: Option<&str>) -> Result<Imported, ImportError> {
    let mut archive = archive::Archive::open(file)?;
    let state = state_dict::StateDict::of(pickle::read(&archive.pickle()?)?, archive.size())?;
    let found = unet::infer(&state)?;
    let architecture = found.architecture();
    if let Some(kind) = kind.filter(|kind| *kind != architecture.kind()) {
        return Err(ImportError::Kind(format!("a {}, not a {kind}: leave --arch out", architecture.kind())));
    }
    let mut tensors = Tensors::new();
    for slot in found.slots(&state)? {
        tensors.insert(slot.ours, state.load(&slot.theirs, &mut archive)?);
    }
    let vb = VarBuilder::from_tensors(tensors.clone(), DType::F32, &Device::Cpu);
    let network = architecture.build(vb).map_err(|error| ImportError::Run(error.to_string()))?;
    draws(network.as_ref())?;
    Ok(Imported { size_multiple: network.multiple(), reach: network.reach(), architecture, tensors })
}

fn draws(network: &dyn Generator) -> Result<(), ImportError> {
    let side = network.multiple();
    let drawn = || {
        let photo = Tensor::zeros((1, 3, side, side), DType::F32, &Device::Cpu)?;
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
