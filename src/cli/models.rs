//! `sakuga models`: the models found.

use std::io::Write;
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

use crate::models::{Card, Registry};

/// Flags of `sakuga models`.
#[derive(Args, Clone, Debug)]
pub struct ModelsArgs {
    /// Folder of the models' cards [default: models, else beside the program, else built in]
    #[arg(long, env = "SAKUGA_MODELS", value_name = "DIR")]
    pub models: Option<PathBuf>,
    /// Print the cards as JSON
    #[arg(long)]
    pub json: bool,
}

/// Prints the models.
///
/// # Errors
/// Where there is none, or a card is broken: it is named after the sound ones.
pub fn run(args: ModelsArgs) -> anyhow::Result<()> {
    let registry = Registry::open(args.models.as_deref())?;
    let default = registry.card(None).ok().map(|card| card.name.as_str());
    let mut out = std::io::stdout().lock();
    if args.json {
        let models: Vec<&Card> = registry.cards().collect();
        serde_json::to_writer_pretty(&mut out, &serde_json::json!({ "default": default, "models": models }))?;
        writeln!(out)?;
    } else {
        for card in registry.cards() {
            print(&mut out, card, default == Some(card.name.as_str()))?;
        }
    }
    match registry.broken() {
        [] => Ok(()),
        broken => bail!("{}", broken.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
    }
}

fn print(out: &mut impl Write, card: &Card, is_default: bool) -> std::io::Result<()> {
    let mark = if is_default { " (default)" } else { "" };
    writeln!(out, "{}{mark}: {}", card.name, card.title)?;
    writeln!(out, "  {}", card.description)?;
    writeln!(out, "  architecture  {}", card.architecture.kind())?;
    writeln!(out, "  styles        {}", card.styles.join(", "))?;
    match card.max_side {
        Some(side) => writeln!(out, "  longest side  {side} px unless another is asked for")?,
        None => writeln!(out, "  longest side  the service's default")?,
    }
    match card.reach {
        Some(reach) => writeln!(out, "  large photos  in tiles, which share {reach} px")?,
        None => writeln!(out, "  large photos  whole")?,
    }
    writeln!(out, "  licence       {}", card.licence)?;
    writeln!(out, "  source        {}", card.source.command)
}
