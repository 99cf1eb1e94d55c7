//! `sakuga stylize`: photos in, drawings out, without a service between.

mod candidates;
mod targets;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;

use super::progress;
use super::runtime::RuntimeArgs;
use crate::engine::{Engine, Job, Settings};
use crate::http::params::Parameters;
use crate::imaging::{self, Decoded, Format, Limits, Provenance, Quality};
use crate::models::publish::replace;
use candidates::Best;
use targets::{Target, Task};

/// Draw photos as anime.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  \
    sakuga stylize photo.jpg -o anime.png\n  \
    sakuga stylize photo.jpg -o anime.webp --strength 0.8 --max-side 2048\n  \
    sakuga stylize holiday/ portrait.jpg -o drawn --format png\n\n\
    The same photo and flags give the same bytes. EXIF, GPS and other metadata are never passed on. \
    `sakuga models` lists models and styles.")]
pub struct StylizeArgs {
    /// Photos: JPEG, PNG, WebP, GIF or BMP files; a folder means the pictures in it
    #[arg(required = true, value_name = "PHOTO")]
    pub photos: Vec<PathBuf>,
    /// One photo: the drawing's file, whose extension is its format (png, jpg, webp), or a folder.
    /// Several: a folder, made if missing, where each drawing has its photo's name
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
    /// Model to draw with [default: anime, else the only one there is]
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Style of the model, such as cel, or a mix where it has several: cel:0.7,gouache:0.3
    /// [default: its first]
    #[arg(long, value_name = "STYLE")]
    pub style: Option<String>,
    /// 0 is the photo, 1 the drawing; a model of several styles has learnt what lies between,
    /// for others it is a blend
    #[arg(long, value_name = "0..1", default_value_t = 1.0, value_parser = strength)]
    pub strength: f32,
    /// For models that draw with chance (dropout, a noise input): the same seed draws the same
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Draw each photo so often, with the seeds from --seed (else 0) on, and keep what the model's
    /// discriminator finds most real; for models that draw with chance
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub candidates: Option<u64>,
    /// Longest side of the drawing in pixels: larger photos are shrunk to it, smaller ones never
    /// enlarged [default: the model's, else 1536]
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_side: Option<u32>,
    /// Bring the drawing back to the photo's own size
    #[arg(long, value_enum, value_name = "SIZE")]
    pub size: Option<Size>,
    /// Format of the drawings [default: by OUT's extension, else each photo's own; png for GIF and BMP]
    #[arg(long, value_enum)]
    pub format: Option<OutputFormat>,
    /// Quality of JPEG and WebP, or lossless for WebP (PNG always is) [default: 90]
    #[arg(long, value_name = "1..100|lossless")]
    pub quality: Option<Quality>,
    /// Where the models are and what they run on.
    #[command(flatten)]
    pub runtime: RuntimeArgs,
}

impl StylizeArgs {
    fn settings(&self) -> Settings<'_> {
        Settings {
            model: self.model.as_deref(),
            style: self.style.as_deref(),
            strength: self.strength,
            max_side: self.max_side,
        }
    }
}

/// What `--size` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Size {
    /// The photo's own
    Original,
}

/// What `--format` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// Exact, with alpha
    Png,
    /// Small, without alpha (laid on white)
    #[value(alias = "jpg")]
    Jpeg,
    /// Smallest, with alpha
    #[value(name = "webp")]
    WebP,
}

impl From<OutputFormat> for Format {
    fn from(format: OutputFormat) -> Format {
        match format {
            OutputFormat::Png => Format::Png,
            OutputFormat::Jpeg => Format::Jpeg,
            OutputFormat::WebP => Format::WebP,
        }
    }
}

fn strength(text: &str) -> Result<f32, String> {
    let value = text.parse().ok().filter(|value| (0.0..=1.0).contains(value));
    value.ok_or_else(|| "must be a number from 0 to 1".to_owned())
}

/// Draws every photo. One that cannot be drawn doesn't stop the others: it is
/// named on stderr, and the command fails at the end.
///
/// # Errors
/// Where OUT, the flags or the model don't fit, before anything is drawn; or
/// where a photo failed.
pub fn run(args: StylizeArgs) -> anyhow::Result<()> {
    let tasks = targets::plan(&args.photos, &args.output, args.format.map(Format::from))?;
    let (mut config, _) = args.runtime.config()?;
    config.registry = config.registry.only(args.model.as_deref());
    let engine = Engine::start(config)?;
    engine.catalog().check(args.settings())?;
    if args.candidates.is_some() {
        candidates::check(&engine, args.model.as_deref())?;
    }
    match tasks.as_slice() {
        [task] => {
            if let Some(choice) = stylize(&engine, &args, task).with_context(|| task.photo.display().to_string())? {
                eprintln!("{choice}");
            }
            Ok(())
        }
        tasks => stylize_many(&engine, &args, tasks),
    }
}

/// Reading, drawing and writing overlap between photos: the engine draws one
/// at a time, and a few threads keep it fed.
fn stylize_many(engine: &Engine, args: &StylizeArgs, tasks: &[Task]) -> anyhow::Result<()> {
    let bar = ProgressBar::new(tasks.len() as u64).with_style(progress::counted("photos"));
    let threads = thread::available_parallelism().map_or(1, usize::from).clamp(1, 4).min(tasks.len());
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match stylize(engine, args, task) {
                        Ok(None) => {}
                        Ok(Some(choice)) => bar.suspend(|| eprintln!("{choice}")),
                        Err(error) => {
                            failed.fetch_add(1, Ordering::Relaxed);
                            bar.suspend(|| eprintln!("error: {}: {error:#}", task.photo.display()));
                        }
                    }
                    bar.inc(1);
                }
            });
        }
    });
    bar.finish_and_clear();
    match failed.into_inner() {
        0 => Ok(()),
        failed => {
            bail!("{failed} of {} photos could not be drawn; the others are in {}", tasks.len(), args.output.display())
        }
    }
}

/// Draws one photo. Where there were candidates: which of them it is.
fn stylize(engine: &Engine, args: &StylizeArgs, task: &Task) -> anyhow::Result<Option<String>> {
    let bytes = std::fs::read(&task.photo).context("cannot be read")?;
    let original_size = args.size == Some(Size::Original);
    let side = engine.catalog().side(args.settings())?;
    let max_side = (!original_size).then_some(side);
    let Decoded { picture, format } = imaging::decode_fitted(&bytes, &Limits::default(), max_side)?;
    drop(bytes);
    let job = Job {
        photo: picture,
        model: args.model.clone(),
        style: args.style.clone(),
        strength: args.strength,
        seed: args.seed,
        max_side: args.max_side,
        original_size,
    };
    let (drawing, seed, choice) = match args.candidates {
        None => (engine.draw_blocking(job)?, args.seed, None),
        Some(count) => {
            let Best { drawing, seed, realism } = candidates::best(engine, &job, args.seed.unwrap_or(0), count)?;
            let choice = format!(
                "{}: of {count} drawings that of --seed {seed} looks most real ({realism:.3} of 1)",
                task.photo.display()
            );
            (drawing, Some(seed), Some(choice))
        }
    };
    let Target { file, format } = task.target(format);
    let bytes = imaging::encode(&drawing.picture, format, args.quality.unwrap_or_default())?;
    let provenance = Provenance { model: drawing.model, weights: drawing.weights_hash, parameters: told(args, seed) };
    let bytes = provenance.mark(bytes, format, &drawing.picture);
    // Written beside and renamed: a drawing is there whole or not at all.
    replace(&file, &bytes)?;
    Ok(choice)
}

/// What was asked for, as the service would tell it.
fn told(args: &StylizeArgs, seed: Option<u64>) -> Vec<(&'static str, String)> {
    let parameters = Parameters {
        model: None,
        style: args.style.clone(),
        strength: (args.strength < 1.0).then_some(args.strength),
        seed,
        max_side: args.max_side,
        original_size: args.size == Some(Size::Original),
        format: None,
        quality: None,
    };
    parameters.told()
}
