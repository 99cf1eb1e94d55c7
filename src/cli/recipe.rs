//! `sakuga-train recipe`.

use crate::train::pytorch_options::translate;
use anyhow::{Context, Result};
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

/// Print a recipe, to be changed and given to fit --config.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sakuga-train recipe pix2pix > mine.toml\n  \
    sakuga-train recipe --from-pytorch-options checkpoints/facades/train_opt.txt > facades.toml\n  \
    echo \"--model pix2pix --direction BtoA --lambda_L1 50\" | sakuga-train recipe --from-pytorch-options -")]
pub struct RecipeArgs {
    /// A built-in recipe: anime or pix2pix
    #[arg(value_name = "NAME", required_unless_present = "from_pytorch_options")]
    name: Option<String>,
    /// Options of pytorch-CycleGAN-and-pix2pix: a train_opt.txt, or its flags in a file; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "name")]
    from_pytorch_options: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When there is no such recipe, or the options cannot be followed.
pub fn run(args: RecipeArgs) -> Result<()> {
    let recipe = match (&args.from_pytorch_options, &args.name) {
        (Some(file), _) => {
            let shown = file.display();
            let text = match file.as_os_str() == "-" {
                true => std::io::read_to_string(std::io::stdin()),
                false => std::fs::read_to_string(file),
            };
            let text = text.with_context(|| format!("cannot read {shown}"))?;
            let translated = translate(&text).with_context(|| format!("{shown} gives no recipe"))?;
            for warning in &translated.warnings {
                eprintln!("warning: {warning}");
            }
            translated.recipe
        }
        (None, name) => super::fit::built_in(name.as_deref().unwrap_or_default())?,
    };
    let text = toml::to_string_pretty(&recipe).context("the recipe cannot be written")?;
    std::io::stdout().write_all(text.as_bytes()).context("cannot write the recipe")
}
