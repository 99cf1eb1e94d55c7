//! `sakuga import`: a PyTorch checkpoint becomes a model.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use candle_core::DType;
use clap::{Args, ValueEnum};

use super::at_test::AtTest;
use crate::models::Card;
use crate::models::card::{Source, WeightFile, Weights};
use crate::models::import::{Wanted, read, read_discriminator};
use crate::models::publish::publish_as;
use crate::nn::norm::NormKind;

/// Make a checkpoint of pytorch-CycleGAN-and-pix2pix a model.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  \
    sakuga import checkpoints/facades/latest_net_G.pth --name facades\n  \
    sakuga stylize photo.jpg -o drawn.png --model facades\n  \
    sakuga import latest_net_G.pth --name edges --at-test image --with-discriminator latest_net_D.pth\n\n\
    Read are the state dicts of unet_256, unet_128, resnet_9blocks and resnet_6blocks generators and of their \
    discriminators, as any PyTorch has saved them. Sizes, norm and channels are found out from the file. Nothing in \
    it is run.\n\n\
    That repository's test.py draws with the statistics of each picture unless it is given --eval: --at-test image \
    does the same, without its dropout.")]
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
    /// The discriminator trained with it, such as latest_net_D.pth, for /v1/score
    #[arg(long, value_name = "FILE.pth")]
    pub with_discriminator: Option<PathBuf>,
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
    /// CycleGAN's residual generator with nine blocks
    #[value(name = "resnet_9blocks")]
    ResNet9,
    /// The same with six blocks
    #[value(name = "resnet_6blocks")]
    ResNet6,
}

/// What `--norm` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Norm {
    /// Whatever it has
    #[default]
    Auto,
    /// Batch norm
    Batch,
    /// Instance norm
    Instance,
}

/// Runs the command.
///
/// # Errors
/// Where the file is no generator that can be read, or the model cannot be
/// written; then no file is left.
pub fn run(args: ImportArgs) -> anyhow::Result<()> {
    let wanted = Wanted {
        kind: match args.arch {
            Arch::Auto => None,
            Arch::UNet256 => Some("unet_256"),
            Arch::UNet128 => Some("unet_128"),
            Arch::ResNet9 => Some("resnet_9blocks"),
            Arch::ResNet6 => Some("resnet_6blocks"),
        },
        norm: match args.norm {
            Norm::Auto => None,
            Norm::Batch => Some(NormKind::Batch),
            Norm::Instance => Some(NormKind::Instance),
        },
        statistics: args.at_test.into(),
    };
    let cannot = |file: &Path| format!("cannot import {}", file.display());
    let imported = read(&args.file, &wanted).with_context(|| cannot(&args.file))?;
    let (inputs, outputs) = imported.architecture.channels();
    let judge = args
        .with_discriminator
        .as_ref()
        .map(|file| read_discriminator(file, inputs + outputs).with_context(|| cannot(file)));
    let (config, judge) = judge.transpose()?.unzip();
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
        discriminator: config,
        weights: Weights { generator: nowhere, discriminator: None },
        figures: BTreeMap::new(),
    };
    let path = publish_as(DType::F32, &args.models, &args.name, card, &imported.tensors, judge.as_ref())?;
    eprintln!("wrote {}: try `sakuga stylize PHOTO -o OUT --model {}`", path.display(), args.name);
    Ok(())
}
