//! `sakuga-train fit`.

mod beginning;
mod overrides;

use crate::models::DeviceChoice;
use crate::train::dataset::{Pairs, Split};
use crate::train::recipe::Recipe;
use crate::train::run::Run;
use anyhow::{Context, Result, bail};
use beginning::Beginning;
use clap::Args;
use indicatif::ProgressBar;
use overrides::Overrides;
use std::path::{Path, PathBuf};

/// Train a generator on pairs, or on photos and a look.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sakuga-train fit --data facades --direction BtoA --recipe pix2pix --out runs/facades\n  \
    sakuga-train fit --data photos --look cel --out runs/cel\n  \
    sakuga-train fit --resume runs/cel\n\n\
    The folder of a run holds its settings (recipe.toml), checkpoints/, metrics.jsonl, samples/, curves.svg, \
    report.html, TensorBoard's events and, after each epoch, generator.safetensors and discriminator.safetensors. Every \
    setting is a line of recipe.toml: --config takes such a file.")]
pub struct FitArgs {
    /// Pairs: A|B side by side in {train,val}/, or A/{train,val} and B/{train,val}; with --look: photos in {train,val}/
    #[arg(long, value_name = "DIR", required_unless_present = "resume")]
    data: Option<PathBuf>,
    /// The run's folder, made if missing
    #[arg(long, value_name = "RUN", required_unless_present = "resume", conflicts_with = "resume")]
    out: Option<PathBuf>,
    /// Go on exactly where the run in RUN stopped, with its own settings
    #[arg(long, value_name = "RUN")]
    resume: Option<PathBuf>,
    /// Settings to start from: anime or pix2pix
    #[arg(long, default_value = "anime", conflicts_with = "config")]
    recipe: String,
    /// Settings from a file such as a run's recipe.toml
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,
    /// Start from these generator weights: .safetensors, or a .pth of pytorch-CycleGAN-and-pix2pix; what they do not
    /// name starts anew
    #[arg(long, value_name = "FILE")]
    init: Option<PathBuf>,
    /// Start from these discriminator weights: .safetensors, or a .pth of pytorch-CycleGAN-and-pix2pix
    #[arg(long, value_name = "FILE")]
    init_discriminator: Option<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
    /// Where to compute: auto, cpu, cuda or cuda:N
    #[arg(long, env = "SAKUGA_DEVICE", default_value_t)]
    device: DeviceChoice,
    /// Threads that compute; all cores if not given
    #[arg(long, env = "SAKUGA_THREADS")]
    threads: Option<usize>,
    /// Threads that read and augment data
    #[arg(long, default_value_t = 2)]
    workers: usize,
}

/// Runs the command.
///
/// # Errors
/// When the settings, the data or the device do not allow it, or training diverges.
pub fn run(args: FitArgs) -> Result<()> {
    super::threads::use_threads(args.threads)?;
    let (device, device_name) = args.device.open().map_err(anyhow::Error::msg)?;
    let (mut generator, mut discriminator) = (None, None);
    let (mut run, folder) = match (&args.resume, &args.out) {
        (Some(folder), _) => (Run::resume(folder, device)?, folder.clone()),
        (None, Some(folder)) => {
            let mut recipe = match &args.config {
                Some(file) => read_recipe(file)?,
                None => built_in(&args.recipe)?,
            };
            args.overrides.apply(&mut recipe)?;
            // Before the run's folder is made.
            generator = args.init.as_deref().map(|file| Beginning::generator(file, &recipe)).transpose()?;
            let judge = args.init_discriminator.as_deref();
            discriminator = judge.map(|file| Beginning::discriminator(file, &recipe)).transpose()?;
            (Run::create(folder, recipe, device)?, folder.clone())
        }
        (None, None) => bail!("name the run's folder with --out RUN"),
    };
    if let Some(generator) = generator {
        generator.apply(|weights| run.trainer().start_from(weights))?;
    }
    if let Some(discriminator) = discriminator {
        discriminator.apply(|weights| run.trainer().judge_from(weights))?;
    }
    let data = data_folder(&folder, args.data.as_deref())?;
    let recipe = run.trainer().recipe().clone();
    let (training, validation) = open_data(&data, &folder, &recipe)?;
    eprintln!(
        "{} pairs to train on, {} held out; {} on {device_name}",
        training.len(),
        validation.as_ref().map_or(0, Pairs::len),
        recipe.architecture.kind()
    );
    run.fit(training, validation.as_ref(), args.workers)?;
    eprintln!("done: make it a model with `sakuga-train publish {} --name NAME`", folder.display());
    Ok(())
}

/// The built-in recipe of that name.
pub(super) fn built_in(name: &str) -> Result<Recipe> {
    let recipe = Recipe::built_in(name)
        .with_context(|| format!("there is no recipe {name:?}; there are: {}", Recipe::NAMES.join(", ")))?;
    recipe.with_context(|| format!("the recipe {name} is broken"))
}

fn read_recipe(file: &Path) -> Result<Recipe> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    toml::from_str(&text).with_context(|| format!("{} is not a recipe", file.display()))
}

/// The data's folder: the one given, remembered in the run for a resume.
fn data_folder(run: &Path, given: Option<&Path>) -> Result<PathBuf> {
    let note = run.join("data.txt");
    match given {
        Some(data) => {
            let absolute = data.canonicalize().with_context(|| format!("cannot find {}", data.display()))?;
            crate::models::publish::replace(&note, format!("{}\n", absolute.display()).as_bytes())?;
            Ok(absolute)
        }
        None => {
            let text = std::fs::read_to_string(&note)
                .with_context(|| format!("{} does not say where the data is: name it with --data", note.display()))?;
            Ok(PathBuf::from(text.trim_end()))
        }
    }
}

fn open_data(data: &Path, run: &Path, recipe: &Recipe) -> Result<(Pairs, Option<Pairs>)> {
    let open = |split: Split| {
        if recipe.looks.is_empty() {
            return Pairs::open(data, split, recipe.direction);
        }
        let bar = ProgressBar::new(0).with_style(super::progress::counted("photos rendered"));
        let pairs = Pairs::with_rendered(data, split, &recipe.looks, &run.join("targets"), &bar);
        bar.finish_and_clear();
        pairs
    };
    let training = open(Split::Train)?;
    let bar = ProgressBar::new(0).with_style(super::progress::counted("pairs read"));
    training.preload(&bar)?;
    bar.finish_and_clear();
    // Without a held-out split the run works all the same, and says so.
    let validation = open(Split::Val);
    if let Err(error) = &validation {
        eprintln!("no validation: {error}");
    }
    Ok((training, validation.ok()))
}
