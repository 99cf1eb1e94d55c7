//! A run: epochs of steps, and after each a validation, a checkpoint, a row,
//! and pictures to look at.

use super::checkpoint::{CheckpointError, Checkpoints, Progress};
use super::curves;
use super::dataset::{DataError, Pairs};
use super::held_out::HeldOut;
use super::loader::Loader;
use super::metrics::Figures;
use super::recipe::Recipe;
use super::samples;
use super::trainer::{Losses, Sample, Trainer};
use crate::models::publish::{PublishError, pack, replace};
use candle_core::{DType, Device, Tensor};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use thiserror::Error;

/// Why a run stopped.
#[derive(Debug, Error)]
pub enum RunError {
    /// The settings make no sense.
    #[error("the settings cannot be used: {0}")]
    Settings(String),
    /// The folder already holds a run.
    #[error("{0} already holds a run: go on with --resume {0}, or choose another --out")]
    Exists(PathBuf),
    /// The folder holds no run.
    #[error("{folder} holds no run that could go on: {reason}")]
    NoRun {
        /// The folder.
        folder: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// The data cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The device failed, or sizes do not fit.
    #[error("training failed: {0}")]
    Device(#[from] candle_core::Error),
    /// A checkpoint cannot be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] PublishError),
    /// A file cannot be read or appended to.
    #[error("cannot use {file}: {source}")]
    File {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A loss is no longer a number, or the pictures are out of all range.
    #[error(
        "training diverged at step {step} (epoch {epoch}): a loss is not a number or far out of range. Lower --rate, or the loss weights, \
         and go on from the last good checkpoint with --resume {run}"
    )]
    Diverged {
        /// The step.
        step: u64,
        /// The epoch, from 1.
        epoch: usize,
        /// The run's folder.
        run: PathBuf,
    },
}

/// A row of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Steps so far.
    pub step: u64,
    /// Mean losses of the epoch.
    #[serde(flatten)]
    pub losses: Losses,
    /// Share of the full learning rate at its end.
    pub rate_share: f64,
    /// Medians over the validation pictures, all looks together.
    pub validation: Option<Figures>,
    /// The same, look by look, where there are several.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub looks: BTreeMap<String, Figures>,
    /// Seconds the epoch took, validation left out.
    pub seconds: f64,
    /// Pairs shown a second.
    pub pairs_per_second: f64,
    /// Share of the time spent waiting for data.
    pub waited: f64,
}

/// The settings' file in a run's folder.
const SETTINGS: &str = "recipe.toml";

/// A run in its folder.
pub struct Run {
    folder: PathBuf,
    trainer: Trainer,
    checkpoints: Checkpoints,
    /// Epochs done.
    done: usize,
}

impl Run {
    /// A new run with `recipe` in `folder`.
    ///
    /// # Errors
    /// When the settings make no sense or the folder already holds a run.
    pub fn create(folder: &Path, recipe: Recipe, device: Device) -> Result<Self, RunError> {
        if let Some(fault) = recipe.fault() {
            return Err(RunError::Settings(fault));
        }
        if folder.join(SETTINGS).exists() {
            return Err(RunError::Exists(folder.to_owned()));
        }
        let text = toml::to_string_pretty(&recipe).map_err(|error| RunError::Settings(error.to_string()))?;
        replace(&folder.join(SETTINGS), text.as_bytes())?;
        let trainer = Trainer::new(recipe, device)?;
        Ok(Self { folder: folder.to_owned(), trainer, checkpoints: Checkpoints::of(folder), done: 0 })
    }

    /// The run in `folder`, as its newest checkpoint left it.
    ///
    /// # Errors
    /// When there is no run, or its checkpoint does not fit its settings.
    pub fn resume(folder: &Path, device: Device) -> Result<Self, RunError> {
        let recipe = Self::recipe(folder)?;
        let checkpoints = Checkpoints::of(folder);
        let mut trainer = Trainer::new(recipe, device.clone())?;
        let mut done = 0;
        if let Some((tensors, progress)) = checkpoints.latest(&device)? {
            trainer.restore(&tensors, progress.state)?;
            done = progress.epochs;
            mend_rows(&folder.join("metrics.jsonl"), &progress)?;
        }
        Ok(Self { folder: folder.to_owned(), trainer, checkpoints, done })
    }

    /// The settings of the run in `folder`.
    ///
    /// # Errors
    /// When there is no run or its settings cannot be read.
    pub fn recipe(folder: &Path) -> Result<Recipe, RunError> {
        let no_run = |reason: String| RunError::NoRun { folder: folder.to_owned(), reason };
        let text =
            std::fs::read_to_string(folder.join(SETTINGS)).map_err(|error| no_run(format!("{SETTINGS}: {error}")))?;
        toml::from_str(&text).map_err(|error| no_run(format!("{SETTINGS}: {error}")))
    }

    /// The networks.
    pub fn trainer(&mut self) -> &mut Trainer {
        &mut self.trainer
    }

    /// Trains until the last epoch of the settings is done; the weights so far
    /// are written after each.
    ///
    /// # Errors
    /// See [`RunError`]; checkpoints written before stay.
    pub fn fit(&mut self, training: Pairs, validation: Option<&Pairs>, workers: usize) -> Result<(), RunError> {
        let recipe = self.trainer.recipe().clone();
        let held_out = HeldOut::of(validation, &recipe.looks)?;
        let loader = Loader::new(Arc::new(training), recipe.augment.clone(), recipe.batch, recipe.seed, workers)?
            .drawing(recipe.styles.clone());
        let steps = loader.steps();
        let bar = progress_bar((recipe.total_epochs() * steps) as u64, (self.done * steps) as u64);
        for epoch in self.done..recipe.total_epochs() {
            let row = self.epoch(&loader, epoch, &held_out, &bar)?;
            let line = serde_json::to_string(&row).map_err(|error| RunError::Settings(error.to_string()))?;
            self.checkpoints.save(&self.trainer, epoch + 1, &line)?;
            self.done = epoch + 1;
            append(&self.folder.join("metrics.jsonl"), &line)?;
            self.write_weights()?;
            self.pictures(epoch + 1, &held_out)?;
            bar.suspend(|| eprintln!("{}", summary(&row, recipe.total_epochs())));
        }
        bar.finish_and_clear();
        // Also for a run that was stopped between its last checkpoint and here.
        self.write_weights()
    }

    fn epoch(&mut self, loader: &Loader, epoch: usize, held_out: &HeldOut, bar: &ProgressBar) -> Result<Row, RunError> {
        let (start, mut sum, mut rate_share, mut pairs) = (Instant::now(), Losses::default(), 1.0, 0);
        let recipe = self.trainer.recipe().clone();
        let steps = loader.steps();
        let mut batches = loader.epoch(epoch, 0);
        for batch in batches.by_ref() {
            let batch = batch?;
            let shape = (batch.n, 3, batch.side, batch.side);
            let device = self.trainer.device();
            let looks = batch.style.len() / batch.n;
            let sample = Sample {
                photo: Tensor::from_vec(batch.photo, shape, device)?,
                target: Tensor::from_vec(batch.target, shape, device)?,
                style: Tensor::from_vec(batch.style, (batch.n, looks), device)?,
            };
            let stage = recipe.stage(epoch as f64 + batch.step as f64 / steps as f64);
            rate_share = stage.rate;
            let losses = self.trainer.step(&sample, stage)?;
            if !losses.are_sound() {
                let step = self.trainer.steps();
                return Err(RunError::Diverged { step, epoch: epoch + 1, run: self.folder.clone() });
            }
            sum.add(&losses);
            pairs += batch.n;
            bar.inc(1);
            bar.set_message(format!("epoch {} L1 {:.4}", epoch + 1, losses.l1));
        }
        let seconds = start.elapsed().as_secs_f64();
        let (validation, looks) = held_out.measure(&self.trainer)?;
        Ok(Row {
            epoch: epoch + 1,
            step: self.trainer.steps(),
            losses: sum.over(steps),
            rate_share,
            validation,
            looks,
            seconds,
            pairs_per_second: pairs as f64 / seconds,
            waited: batches.waited().as_secs_f64() / seconds,
        })
    }

    /// The sample grid and the loss curves.
    fn pictures(&self, epoch: usize, held_out: &HeldOut) -> Result<(), RunError> {
        let rows = held_out.grid(&self.trainer)?;
        let failed = |file: &Path, source| RunError::File { file: file.to_owned(), source };
        if !rows.is_empty() {
            let file = self.folder.join("samples").join(format!("epoch-{epoch:04}.png"));
            samples::write(&file, &rows).map_err(|error| failed(&file, std::io::Error::other(error)))?;
        }
        let file = self.folder.join("curves.svg");
        curves::write(&self.folder.join("metrics.jsonl"), &file)
            .map_err(|error| failed(&file, std::io::Error::other(error)))
    }

    fn write_weights(&self) -> Result<(), RunError> {
        let weights = [
            ("generator.safetensors", self.trainer.generator_weights()),
            ("discriminator.safetensors", self.trainer.discriminator_weights()),
        ];
        for (file, tensors) in weights {
            replace(&self.folder.join(file), &pack(&tensors, DType::F32)?)?;
        }
        Ok(())
    }
}

impl Losses {
    fn add(&mut self, other: &Self) {
        self.l1 += other.l1;
        self.gradient += other.gradient;
        self.sharpness += other.sharpness;
        self.gan += other.gan;
        self.discriminator += other.discriminator;
    }

    fn over(self, count: usize) -> Self {
        let count = count.max(1) as f64;
        Self {
            l1: self.l1 / count,
            gradient: self.gradient / count,
            sharpness: self.sharpness / count,
            gan: self.gan / count,
            discriminator: self.discriminator / count,
        }
    }
}

/// Rows of epochs after the checkpoint go; the checkpoint's own is added if it
/// is missing: so a resume repeats and loses none.
fn mend_rows(file: &Path, progress: &Progress) -> Result<(), RunError> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(RunError::File { file: file.to_owned(), source }),
    };
    let epoch = |line: &str| serde_json::from_str::<serde_json::Value>(line).ok()?.get("epoch")?.as_u64();
    let mut lines: Vec<String> = text
        .lines()
        .filter(|line| epoch(line).is_some_and(|epoch| epoch < progress.epochs as u64))
        .map(str::to_owned)
        .collect();
    lines.push(progress.row.clone());
    replace(file, (lines.join("\n") + "\n").as_bytes())?;
    Ok(())
}

fn append(file: &Path, row: &str) -> Result<(), RunError> {
    let failed = |source| RunError::File { file: file.to_owned(), source };
    let mut handle = std::fs::OpenOptions::new().create(true).append(true).open(file).map_err(failed)?;
    // One write, so that a reader never sees half a row.
    handle.write_all(format!("{row}\n").as_bytes()).map_err(failed)
}

fn progress_bar(total: u64, done: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:32} {pos}/{len} steps, {msg}, {per_sec}, {eta} left");
    let bar = ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_position(done);
    bar.reset_eta();
    bar
}

fn summary(row: &Row, epochs: usize) -> String {
    let mut text = format!(
        "epoch {}/{epochs}: L1 {:.4}, {:.1} pairs/s, waited {:.0} % for data",
        row.epoch,
        row.losses.l1,
        row.pairs_per_second,
        100.0 * row.waited
    );
    if row.losses.discriminator > 0.0 {
        text += &format!(", D {:.3}, G {:.3}", row.losses.discriminator, row.losses.gan);
    }
    if let Some(figures) = &row.validation {
        text += &format!(
            "; validation SSIM {:.3}, PSNR {:.1} dB, Laplacian ratio {:.2}",
            figures.ssim, figures.psnr, figures.laplacian_ratio
        );
    }
    text
}
