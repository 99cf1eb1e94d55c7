//! Sakuga's models become files of other tools: a `.pth` that PyTorch loads,
//! an ONNX graph that ONNX Runtime runs.
//!
//! A `.pth` is a zip (`checkpoint`) of one pickle (`pickle`) that names the
//! tensors as the other side calls them (`names`, from the import), and a file of raw numbers a
//! tensor. An ONNX file is a protocol buffer ([`proto`]) of the network's
//! layers (`graph`, `unet`, `resnet`, `anime`) in ONNX's standard operators.

mod anime;
mod checkpoint;
mod graph;
mod names;
mod norm;
mod pickle;
pub mod proto;
mod resnet;
mod unet;

use super::architecture::Architecture;
use super::card::Card;
use super::import::{discriminator_slots, generator_slots};
use super::publish::Tensors;
use crate::nn::patch_gan::{PatchGanConfig, patch_gan};
use crate::nn::resnet::{RESNET_6, RESNET_9};
use crate::nn::unet::{UNET_128, UNET_256};
use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use graph::Graph;
use thiserror::Error;

/// Why a model cannot be exported.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The weights are not those of the card's network.
    #[error("its weights do not fit its card: {0}")]
    Misfit(#[from] candle_core::Error),
    /// The container could not be written.
    #[error("its weights cannot be packed: {0}")]
    Pack(#[from] zip::result::ZipError),
    /// A discriminator that the reference implementation has no counterpart of.
    #[error(
        "its discriminator has a spectral norm or a second scale, which pytorch-CycleGAN-and-pix2pix has not: leave --with-discriminator out"
    )]
    Discriminator,
    /// A noise input, which neither side of the exchange knows.
    #[error("it sees noise beside the photo, which pytorch-CycleGAN-and-pix2pix has not: such a model stays here")]
    NoiseInput,
    /// A protocol buffer holds no more.
    #[error("its weights take {0} bytes in f32, and an ONNX file holds 2 GiB at most: export it with --to pth")]
    TooLarge(usize),
}

/// The generator as a checkpoint of PyTorch, in f32: by the names of
/// pytorch-CycleGAN-and-pix2pix, but an anime generator by Sakuga's own.
///
/// # Errors
/// When the tensors are not those of `architecture`, or it has a noise input.
pub fn pth(architecture: &Architecture, tensors: &Tensors) -> Result<Vec<u8>, ExportError> {
    built(architecture, tensors)?;
    let entries = match generator_slots(architecture) {
        Some(slots) => names::theirs(&slots),
        None => names::own(tensors),
    };
    checkpoint::write(&entries, tensors)
}

/// Whether [`pth`] gives the tensors names that are Sakuga's alone.
pub fn names_are_own(architecture: &Architecture) -> bool {
    generator_slots(architecture).is_none()
}

/// The discriminator as a checkpoint of PyTorch, by the names of
/// pytorch-CycleGAN-and-pix2pix.
///
/// # Errors
/// When the tensors are not those of `config`, or that repository has no such network.
pub fn discriminator_pth(config: &PatchGanConfig, tensors: &Tensors) -> Result<Vec<u8>, ExportError> {
    patch_gan(*config, constants(tensors))?;
    let slots = discriminator_slots(config).ok_or(ExportError::Discriminator)?;
    checkpoint::write(&names::theirs(&slots), tensors)
}

/// The generator as an ONNX file, in f32: `photo` `(N, C, H, W)` in −1..1 to
/// `picture`, sides multiples of the card's `size_multiple`; a generator of
/// several styles also reads `style` `(N, k)`, or `(1, k)` for all.
///
/// # Errors
/// When the tensors are not those of the card's network, or take more than 2 GiB, or it has a noise input.
pub fn onnx(card: &Card, tensors: &Tensors) -> Result<Vec<u8>, ExportError> {
    built(&card.architecture, tensors)?;
    let mut graph = Graph::new(tensors);
    let channels = match &card.architecture {
        Architecture::UNet256(config) => unet::draw(&mut graph, UNET_256, config)?,
        Architecture::UNet128(config) => unet::draw(&mut graph, UNET_128, config)?,
        Architecture::ResNet9(config) => resnet::draw(&mut graph, RESNET_9, config)?,
        Architecture::ResNet6(config) => resnet::draw(&mut graph, RESNET_6, config)?,
        Architecture::Anime(config) => anime::draw(&mut graph, config)?,
    };
    graph.finish(card, channels)
}

/// Whether `architecture` has the tensors, and others can have it.
fn built(architecture: &Architecture, tensors: &Tensors) -> Result<(), ExportError> {
    architecture.build(constants(tensors))?;
    if architecture.noise() > 0 { Err(ExportError::NoiseInput) } else { Ok(()) }
}

fn constants(tensors: &Tensors) -> VarBuilder<'static> {
    VarBuilder::from_tensors(tensors.clone(), DType::F32, &Device::Cpu)
}
