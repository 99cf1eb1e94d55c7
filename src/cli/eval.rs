//! `sakuga-train eval`.

use crate::looks::Look;
use crate::models::{DeviceChoice, Precision, Registry, Style};
use crate::train::dataset::{Direction, Pairs, Split};
use crate::train::evaluate::{Report, evaluate};
use crate::train::ranking::{Ranking, rank};
use anyhow::{Context, Error, Result, bail};
use clap::Args;
use indicatif::ProgressBar;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Measure a model over a folder of pairs.
#[derive(Args, Debug)]
#[command(after_help = "Figures are medians over the pictures at their own size, of the drawings, and beside them of \
    the untouched photos and of the targets themselves. The last, random-net FD, is one figure of the set: the Fréchet \
    distance of its features to the targets' in a fixed network with random weights. It compares with itself only; it \
    is not the FID.\n\nExamples:\n  \
    sakuga-train eval --model facades --data facades --direction BtoA\n  \
    sakuga-train eval --model anime --data photos --look cel,ink --json")]
pub struct EvalArgs {
    /// The model's name; the default model if not given
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Folder of the models' cards [default: models, else beside the program, else built in]
    #[arg(long, env = "SAKUGA_MODELS", value_name = "DIR")]
    models: Option<PathBuf>,
    /// Pairs: A|B side by side in {train,val,test}/, or A/{..} and B/{..}; with --look: photos in {train,val,test}/, or right in DIR
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Hold the drawings against these looks, rendered of the photos
    #[arg(long, value_delimiter = ',', value_name = "LOOK")]
    look: Vec<Look>,
    /// Which part of the data: train, val or test
    #[arg(long, default_value_t = Split::Val)]
    split: Split,
    /// Which side is the photo: AtoB or BtoA
    #[arg(long, default_value_t)]
    direction: Direction,
    /// Keep the rendered targets here for the next time
    #[arg(long, value_name = "DIR", requires = "look")]
    targets: Option<PathBuf>,
    /// Draw each photo with so many seeds as well, and say whether the discriminator finds those more real that are nearer
    /// to the target; for models that draw with chance
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(2..=1000))]
    candidates: Option<u64>,
    /// Print the figures, every picture's too, as JSON
    #[arg(long)]
    json: bool,
    /// Where to compute: auto, cpu, cuda or cuda:N
    #[arg(long, env = "SAKUGA_DEVICE", default_value_t)]
    device: DeviceChoice,
    /// How numbers are kept on the way through the network: auto, f32 or bf16
    #[arg(long, env = "SAKUGA_PRECISION", default_value_t)]
    precision: Precision,
    /// Threads that compute; all cores if not given
    #[arg(long, env = "SAKUGA_THREADS")]
    threads: Option<usize>,
}

/// What `--json` prints, one for each look.
#[derive(Serialize)]
struct Answer<'a> {
    model: &'a str,
    weights_sha256: &'a str,
    look: Option<&'static str>,
    #[serde(flatten)]
    report: Report,
    #[serde(skip_serializing_if = "Option::is_none")]
    ranking: Option<Ranking>,
}

/// Runs the command.
///
/// # Errors
/// When there is no such model or no such data, or the model does not draw a look asked for.
pub fn run(args: EvalArgs) -> Result<()> {
    super::threads::use_threads(args.threads)?;
    let registry = Registry::open(args.models.as_deref())?;
    let card = registry.card(args.model.as_deref())?;
    if let Some(look) = args.look.iter().find(|look| !card.styles.iter().any(|style| style == look.name())) {
        bail!("the model {} does not draw {look}; it draws: {}", card.name, card.styles.join(", "));
    }
    if args.candidates.is_some() {
        card.choice().map_err(Error::msg)?;
    }
    let (device, device_name) = args.device.open().map_err(anyhow::Error::msg)?;
    let model = registry.load(&card.name, &device, args.precision)?;
    let looks: Vec<_> = if args.look.is_empty() { vec![None] } else { args.look.iter().copied().map(Some).collect() };
    let rendered = tempfile::tempdir().context("cannot make a folder for the rendered targets")?;
    let targets = args.targets.as_deref().unwrap_or(rendered.path());

    let mut answers = Vec::new();
    for look in looks {
        let pairs = open(&args, look, targets)?;
        let bar = ProgressBar::new(0).with_style(super::progress::counted("photos drawn"));
        let style = Style::of(card, look.map(Look::name), 1.0).map_err(Error::msg)?;
        let report = evaluate(&model, &style, &pairs, &device, &bar)?;
        let ranking = args.candidates.map(|count| {
            bar.reset();
            rank(&model, &style, &pairs, &device, count, &bar)
        });
        let ranking = ranking.transpose()?;
        bar.finish_and_clear();
        if !args.json {
            let look = look.map_or(String::new(), |look| format!(", {look}"));
            println!("{}{look}, on {device_name}\n{report}", card.name);
            ranking.iter().for_each(|ranking| println!("{ranking}"));
        }
        let look = look.map(Look::name);
        answers.push(Answer { model: &card.name, weights_sha256: model.weights_hash(), look, report, ranking });
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&answers)?);
    }
    Ok(())
}

fn open(args: &EvalArgs, look: Option<Look>, targets: &Path) -> Result<Pairs> {
    let Some(look) = look else {
        return Ok(Pairs::open(&args.data, args.split, args.direction)?);
    };
    let bar = ProgressBar::new(0).with_style(super::progress::counted("photos rendered"));
    let pairs = match args.data.join(args.split.name()).is_dir() {
        true => Pairs::with_rendered(&args.data, args.split, &[look], targets, &bar)?,
        false => Pairs::with_rendered_folder(&args.data, &[look], targets, &bar)?,
    };
    bar.finish_and_clear();
    Ok(pairs)
}
