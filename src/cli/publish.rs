//! `sakuga-train publish`.

use super::at_test::AtTest;
use crate::models::card::{Card, Source, WeightFile, Weights};
use crate::models::publish::publish;
use crate::nn::init::Parameters;
use crate::train::run::Run;
use anyhow::{Context, Result, bail};
use candle_core::{Device, Tensor};
use clap::Args;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

/// Make a finished run a model: a card and its weights, ready to serve.
#[derive(Args, Debug)]
pub struct PublishArgs {
    /// The run's folder
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// The model's name
    #[arg(long)]
    name: String,
    /// The folder of cards; weights go beside it
    #[arg(long, env = "SAKUGA_MODELS", default_value = "models", value_name = "DIR")]
    models: PathBuf,
    /// A short title for people; the name if not given
    #[arg(long)]
    title: Option<String>,
    /// One or two sentences about the model
    #[arg(long, default_value = "")]
    description: String,
    /// SPDX expression of the weights' licence
    #[arg(long, default_value = "MIT OR Apache-2.0")]
    licence: String,
    /// The data it was trained on, and its licences
    #[arg(long, default_value = "")]
    data: String,
    /// The exact training command
    #[arg(long, default_value = "")]
    command: String,
    /// The commit that trained it
    #[arg(long, default_value = "")]
    commit: String,
    /// Longest side that the network sees unless a request says otherwise
    #[arg(long)]
    max_side: Option<u32>,
    /// The statistics that batch norm draws with [default: as the run's settings say, else running]
    #[arg(long, value_enum)]
    at_test: Option<AtTest>,
}

/// Runs the command.
///
/// # Errors
/// When the run is not finished or the files cannot be written.
pub fn run(args: PublishArgs) -> Result<()> {
    let mut recipe = Run::recipe(&args.run)?;
    if let Some(at_test) = args.at_test {
        match recipe.architecture.pix2pix_mut() {
            Some(config) => config.statistics = at_test.into(),
            None => bail!("--at-test is for pix2pix's generators; `{}` has no norm", recipe.architecture.kind()),
        }
    }
    let generator = read(&args.run.join("generator.safetensors"))?;
    let discriminator = read(&args.run.join("discriminator.safetensors"))?;
    // Built once: weights that do not fit the settings are found here, not by a user.
    let network = recipe.architecture.build(Parameters::default().given(generator.clone(), &Device::Cpu))?;
    let nowhere = || WeightFile { file: String::new(), sha256: String::new() };
    let played = recipe.is_adversarial();
    let card = Card {
        name: String::new(),
        title: args.title.unwrap_or_else(|| args.name.clone()),
        description: args.description,
        licence: args.licence,
        styles: recipe.looks.iter().map(ToString::to_string).collect(),
        max_side: args.max_side,
        size_multiple: network.multiple(),
        reach: network.reach(),
        value_range: [-1.0, 1.0],
        source: Source { command: args.command, data: args.data, commit: args.commit },
        architecture: recipe.architecture,
        discriminator: played.then_some(recipe.discriminator),
        weights: Weights { generator: nowhere(), discriminator: None },
        figures: BTreeMap::new(),
    };
    let path = publish(&args.models, &args.name, card, &generator, played.then_some(&discriminator))?;
    eprintln!("wrote {}: try `sakuga stylize PHOTO -o OUT --model {}`", path.display(), args.name);
    Ok(())
}

fn read(file: &Path) -> Result<HashMap<String, Tensor>> {
    candle_core::safetensors::load(file, &Device::Cpu)
        .with_context(|| format!("cannot read {}: is the run finished?", file.display()))
}
