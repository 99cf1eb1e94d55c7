//! `sakuga import`: a PyTorch checkpoint becomes a model.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use candle_core::DType;
use clap::{Args, ValueEnum};

use crate::models::Card;
use crate::models::card::{Source, WeightFile, Weights};
use crate::models::import::read;
use crate::models::publish::publish_as;

/// Make a checkpoint of pytorch-CycleGAN-and-pix2pix a model.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  \
    sakuga import checkpoints/facades/latest_net_G.pth --name facades\n  \
    sakuga stylize photo.jpg -o drawn.png --model facades\n\n\
    Read are generators unet_256 and unet_128 with batch norm, RGB to RGB, as PyTorch 1.6 and later save \
    them. Sizes are found out from the file. Nothing in it is run.")]
pub struct ImportArgs {
    /// The generator's state dict, such as latest_net_G.pth
    #[arg(value_name = "FILE.pth")]
    pub file: PathBuf,
    /// The model's name
    #[arg(long)]
    pub name: String,
    /// What the file must hold
    #[arg(long, value_enum, default_value_t)]
    pub arch: Arch,
    /// The norm it must have
    #[arg(long, value_enum, default_value_t)]
    pub norm: Norm,
    /// The statistics that batch norm uses
    #[arg(long, value_enum, default_value_t)]
    pub at_test: AtTest,
    /// The folder of cards; weights go beside it
    #[arg(long, env = "SAKUGA_MODELS", default_value = "models", value_name = "DIR")]
    pub models: PathBuf,
}

/// What `--arch` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Arch {
    /// Whatever it holds
    #[default]
    Auto,
    /// pix2pix's U-Net with eight halvings
    #[value(name = "unet_256")]
    UNet256,
    /// pix2pix's U-Net with seven halvings
    #[value(name = "unet_128")]
    UNet128,
}

/// What `--norm` says; only batch norm can be read, so that both mean it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Norm {
    /// Whatever it has
    #[default]
    Auto,
    /// Batch norm
    Batch,
}

/// What `--at-test` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum AtTest {
    /// The ones kept in training, as PyTorch's eval() does
    #[default]
    Running,
}

/// Runs the command.
///
/// # Errors
/// Where the file is no generator that can be read, or the model cannot be
/// written; then no file is left.
pub fn run(args: ImportArgs) -> anyhow::Result<()> {
    let kind = match args.arch {
        Arch::Auto => None,
        Arch::UNet256 => Some("unet_256"),
        Arch::UNet128 => Some("unet_128"),
    };
    let imported = read(&args.file, kind).with_context(|| format!("cannot import {}", args.file.display()))?;
    let network = imported.architecture.kind();
    // A folder's name says more than the usual latest_net_G, but may say too
    // much: the card keeps the file's name alone.
    let file = args.file.file_name().unwrap_or_default().to_string_lossy();
    let nowhere = WeightFile { file: String::new(), sha256: String::new() };
    let card = Card {
        name: String::new(),
        title: args.name.clone(),
        description: format!("A {network} imported from PyTorch."),
        // SPDX for: nobody has said.
        licence: "NOASSERTION".into(),
        styles: Vec::new(),
        max_side: None,
        size_multiple: imported.size_multiple,
        reach: imported.reach,
        value_range: [-1.0, 1.0],
        source: Source {
            command: format!("sakuga import {file} --name {}", args.name),
            data: String::new(),
            commit: String::new(),
        },
        architecture: imported.architecture,
        discriminator: None,
        weights: Weights { generator: nowhere, discriminator: None },
        figures: BTreeMap::new(),
    };
    let path = publish_as(DType::F32, &args.models, &args.name, card, &imported.tensors, None)?;
    eprintln!("wrote {}: try `sakuga stylize PHOTO -o OUT --model {}`", path.display(), args.name);
    Ok(())
}
