//! `sakuga export`: a model becomes a file for PyTorch or ONNX Runtime.

use std::path::PathBuf;

use anyhow::{Context, bail};
use candle_core::Device;
use clap::{Args, ValueEnum};

use crate::models::publish::replace;
use crate::models::{Registry, export};

/// Make a model a file for PyTorch or ONNX Runtime.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  \
    sakuga export facades --to pth -o latest_net_G.pth --with-discriminator latest_net_D.pth\n  \
    sakuga export anime --to onnx -o anime.onnx\n\n\
    A .pth has the names of pytorch-CycleGAN-and-pix2pix; one of an anime generator has Sakuga's own. \
    An ONNX file (opset 17) draws `photo` (N, C, H, W) in -1..1 to `picture`, for any N, H and W that are \
    multiples of the metadata's size_multiple; a model of several styles reads `style` (N, styles) too. \
    It never draws with dropout.")]
pub struct ExportArgs {
    /// The model
    #[arg(value_name = "NAME")]
    pub name: String,
    /// What to write
    #[arg(long, value_enum)]
    pub to: Kind,
    /// The file
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Write the discriminator too, into this file (with --to pth)
    #[arg(long, value_name = "FILE")]
    pub with_discriminator: Option<PathBuf>,
    /// Replace files that are there
    #[arg(long)]
    pub overwrite: bool,
    /// Folder of the models' cards [default: models, else beside the program, else built in]
    #[arg(long, env = "SAKUGA_MODELS", value_name = "DIR")]
    pub models: Option<PathBuf>,
}

/// What `--to` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A state dict for PyTorch, in f32
    Pth,
    /// A graph of the generator for ONNX Runtime and others, in f32
    Onnx,
}

/// Runs the command.
///
/// # Errors
/// Where there is no such model, it cannot be exported so, or a file is there
/// already or cannot be written.
pub fn run(args: ExportArgs) -> anyhow::Result<()> {
    let files = || std::iter::once(&args.output).chain(&args.with_discriminator);
    if let Some(file) = files().find(|file| file.exists() && !args.overwrite) {
        bail!("{} is there already: name another file, or replace it with --overwrite", file.display());
    }
    let absolute = |file: &PathBuf| std::path::absolute(file).unwrap_or_else(|_| file.clone());
    if args.with_discriminator.as_ref().map(absolute) == Some(absolute(&args.output)) {
        bail!("generator and discriminator cannot go into one file: name two");
    }
    let registry = Registry::open(args.models.as_deref())?;
    let card = registry.card(Some(&args.name))?;
    let generator = registry.tensors(&card.weights.generator, &Device::Cpu)?;
    let failed = || format!("cannot export {}", args.name);
    let bytes = match args.to {
        Kind::Pth => export::pth(&card.architecture, &generator),
        Kind::Onnx => export::onnx(card, &generator),
    };
    let mut written = vec![(&args.output, bytes.with_context(failed)?)];
    if let Some(file) = &args.with_discriminator {
        if args.to != Kind::Pth {
            bail!("--with-discriminator is for --to pth: an ONNX file holds the generator alone");
        }
        let (Some(config), Some(weights)) = (&card.discriminator, &card.weights.discriminator) else {
            bail!("the model {} has no discriminator: leave --with-discriminator out", args.name);
        };
        let tensors = registry.tensors(weights, &Device::Cpu)?;
        written.push((file, export::discriminator_pth(config, &tensors).with_context(failed)?));
    }
    // Only when all of it is there.
    for (file, bytes) in written {
        replace(file, &bytes)?;
        eprintln!("wrote {}", file.display());
    }
    if args.to == Kind::Pth && export::names_are_own(&card.architecture) {
        eprintln!(
            "its tensors have Sakuga's own names: PyTorch reads them, but no project of PyTorch's has such a network"
        );
    }
    Ok(())
}
