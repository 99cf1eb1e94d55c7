//! `sakuga-train fit`.

use crate::looks::Look;
use crate::models::{Architecture, DeviceChoice};
use crate::train::dataset::{Direction, Pairs, Split};
use crate::train::losses::GanLoss;
use crate::train::recipe::Recipe;
use crate::train::run::Run;
use anyhow::{Context, Result, bail};
use clap::Args;
use indicatif::ProgressBar;
use std::path::{Path, PathBuf};

/// Train a generator on pairs, or on photos and a look.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sakuga-train fit --data facades --direction BtoA --recipe pix2pix --out runs/facades\n  \
    sakuga-train fit --data photos --look cel --out runs/cel\n  \
    sakuga-train fit --resume runs/cel\n\n\
    The folder of a run holds its settings (recipe.toml), checkpoints/, metrics.jsonl, samples/, curves.svg \
    and, at the end, generator.safetensors and discriminator.safetensors.")]
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

/// Settings that override the recipe's.
#[derive(Args, Debug)]
#[command(next_help_heading = "Settings that override the recipe's")]
struct Overrides {
    /// Render the targets in these looks: cel, gouache, luminous or ink, or several with commas
    #[arg(long, value_delimiter = ',', value_name = "LOOK")]
    look: Vec<Look>,
    /// Which half is the photo: AtoB or BtoA
    #[arg(long)]
    direction: Option<Direction>,
    /// Epochs at the full learning rate
    #[arg(long)]
    epochs: Option<usize>,
    /// Epochs more, while the rate falls to zero
    #[arg(long)]
    epochs_decay: Option<usize>,
    /// Pairs a step
    #[arg(long)]
    batch: Option<usize>,
    /// Side of the training crops, pixels
    #[arg(long)]
    crop: Option<usize>,
    /// Where every random choice comes from
    #[arg(long)]
    seed: Option<u64>,
    /// Learning rate of the generator
    #[arg(long)]
    rate: Option<f64>,
    /// Learning rate of the discriminator
    #[arg(long)]
    discriminator_rate: Option<f64>,
    /// First width of a pix2pix U-Net
    #[arg(long)]
    ngf: Option<usize>,
    /// First width of the discriminator
    #[arg(long)]
    ndf: Option<usize>,
    /// Adversarial loss
    #[arg(long)]
    gan: Option<GanLoss>,
    /// Weight of the adversarial loss
    #[arg(long)]
    lambda_gan: Option<f64>,
    /// Weight of L1
    #[arg(long)]
    lambda_l1: Option<f64>,
    /// Weight of the L1 of gradients
    #[arg(long)]
    lambda_gradient: Option<f64>,
    /// Weight of the sharpness loss
    #[arg(long)]
    lambda_sharpness: Option<f64>,
    /// First epoch, counted from 0, in which the discriminator plays
    #[arg(long)]
    adversarial_from: Option<usize>,
}

impl Overrides {
    fn apply(&self, recipe: &mut Recipe) -> Result<()> {
        fn set<T: Copy>(value: Option<T>, target: &mut T) {
            if let Some(value) = value {
                *target = value;
            }
        }
        if !self.look.is_empty() {
            recipe.draw_in(&self.look);
        }
        set(self.direction, &mut recipe.direction);
        set(self.epochs, &mut recipe.epochs);
        set(self.epochs_decay, &mut recipe.epochs_decay);
        set(self.batch, &mut recipe.batch);
        set(self.crop, &mut recipe.augment.crop);
        set(self.seed, &mut recipe.seed);
        set(self.rate, &mut recipe.rate);
        set(self.discriminator_rate, &mut recipe.discriminator_rate);
        set(self.ndf, &mut recipe.discriminator.width);
        set(self.gan, &mut recipe.gan);
        set(self.lambda_gan, &mut recipe.lambda_gan);
        set(self.lambda_l1, &mut recipe.lambda_l1);
        set(self.lambda_gradient, &mut recipe.lambda_gradient);
        set(self.lambda_sharpness, &mut recipe.lambda_sharpness);
        set(self.adversarial_from, &mut recipe.adversarial_from);
        if let Some(ngf) = self.ngf {
            match &mut recipe.architecture {
                Architecture::UNet256(config) | Architecture::UNet128(config) => config.width = ngf,
                Architecture::Anime(_) => {
                    bail!("--ngf is for pix2pix's U-Nets; set the anime widths in a --config file")
                }
            }
        }
        Ok(())
    }
}

/// Runs the command.
///
/// # Errors
/// When the settings, the data or the device do not allow it, or training diverges.
pub fn run(args: FitArgs) -> Result<()> {
    super::threads::use_threads(args.threads)?;
    let (device, device_name) = args.device.open().map_err(anyhow::Error::msg)?;
    let mut init = None;
    let (mut run, folder) = match (&args.resume, &args.out) {
        (Some(folder), _) => (Run::resume(folder, device)?, folder.clone()),
        (None, Some(folder)) => {
            let mut recipe = match &args.config {
                Some(file) => read_recipe(file)?,
                None => built_in(&args.recipe)?,
            };
            args.overrides.apply(&mut recipe)?;
            // Before the run's folder is made.
            init = args.init.as_deref().map(|file| Ok((file, weights(file, &recipe)?))).transpose()?;
            (Run::create(folder, recipe, device)?, folder.clone())
        }
        (None, None) => bail!("name the run's folder with --out RUN"),
    };
    if let Some((file, weights)) = init {
        let anew = run.trainer().start_from(&weights).with_context(|| format!("{} does not fit", file.display()))?;
        if !anew.is_empty() {
            eprintln!(
                "{} does not hold {} parameters, which start anew: {}",
                file.display(),
                anew.len(),
                anew.join(", ")
            );
        }
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
    Recipe::named(name).with_context(|| format!("there is no recipe {name:?}; there are: {}", Recipe::NAMES.join(", ")))
}

fn read_recipe(file: &Path) -> Result<Recipe> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    toml::from_str(&text).with_context(|| format!("{} is not a recipe", file.display()))
}

/// Generator weights to start from: ours, or a checkpoint of pytorch-CycleGAN-and-pix2pix.
fn weights(file: &Path, recipe: &Recipe) -> Result<Tensors> {
    if file.extension().is_some_and(|extension| extension == "safetensors") {
        let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        return candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)
            .with_context(|| format!("{} is not a safetensors file", file.display()));
    }
    let imported = import::read(file, None).with_context(|| format!("cannot start from {}", file.display()))?;
    let (theirs, ours) = (imported.architecture.kind(), recipe.architecture.kind());
    if theirs != ours {
        bail!("cannot start from {}: it is a {theirs}, but the recipe trains a {ours}", file.display());
    }
    Ok(imported.tensors)
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
