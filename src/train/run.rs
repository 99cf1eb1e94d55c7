//! A run: epochs of steps, and after each a validation, a checkpoint, a row,
//! and pictures to look at.

mod error;
mod rows;
mod window;

pub use error::RunError;
pub use rows::Row;

use super::checkpoint::{Checkpoints, Progress};
use super::dataset::Pairs;
use super::held_out::HeldOut;
use super::loader::{Batch, Loader};
use super::recipe::Recipe;
use super::tally::Losses;
use super::trainer::{Sample, Trainer};
use crate::models::publish::{pack, replace};
use candle_core::{DType, Device, Tensor};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use window::Window;

/// The settings' file in a run's folder.
const SETTINGS: &str = "recipe.toml";

/// A run in its folder.
pub struct Run {
    folder: PathBuf,
    trainer: Trainer,
    checkpoints: Checkpoints,
    /// Epochs done.
    done: usize,
    /// The epochs' rows.
    rows: Vec<Row>,
    /// Returns to a checkpoint, each of which halves the rates.
    rollbacks: u32,
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
        let (folder, checkpoints) = (folder.to_owned(), Checkpoints::of(folder));
        Ok(Self { folder, trainer, checkpoints, done: 0, rows: Vec::new(), rollbacks: 0 })
    }

    /// The run in `folder`, as its newest checkpoint left it.
    ///
    /// # Errors
    /// When there is no run, or its checkpoint does not fit its settings.
    pub fn resume(folder: &Path, device: Device) -> Result<Self, RunError> {
        let recipe = Self::recipe(folder)?;
        if let Some(fault) = recipe.fault() {
            return Err(RunError::Settings(fault));
        }
        let checkpoints = Checkpoints::of(folder);
        checkpoints.tidy()?;
        let mut trainer = Trainer::new(recipe, device.clone())?;
        let (mut rows, mut progress) = (Vec::new(), Progress::default());
        if let Some((tensors, saved)) = checkpoints.latest(&device)? {
            trainer.restore(&tensors, saved.state)?;
            rows = rows::mend(&folder.join(rows::FILE), &saved)?;
            progress = saved;
        }
        let Progress { epochs: done, rollbacks, .. } = progress;
        Ok(Self { folder: folder.to_owned(), trainer, checkpoints, done, rows, rollbacks })
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
        let mut window = Window::open(&self.folder, &recipe, self.trainer.steps(), [loader.pairs(), held_out.len()])?;
        if self.done == 0 && self.checkpoints.list()?.is_empty() {
            // What given weights (`Trainer::start_from`) made of the networks, and the first good state.
            if !self.trainer.is_sound()? {
                return Err(RunError::Unsound);
            }
            self.save(0, String::new(), false)?;
        }
        let bar = progress_bar((recipe.total_epochs() * steps) as u64, (self.done * steps) as u64);
        while self.done < recipe.total_epochs() {
            let Some(row) = self.epoch(&loader, self.done, &held_out, &bar)? else {
                self.roll_back(&bar, steps)?;
                continue;
            };
            let line = serde_json::to_string(&row).map_err(|error| RunError::Settings(error.to_string()))?;
            let best = self.rows.iter().all(|earlier| earlier.score() < row.score());
            self.save(self.done + 1, line.clone(), best)?;
            self.done += 1;
            rows::append(&self.folder.join(rows::FILE), &line)?;
            bar.suspend(|| eprintln!("{}", row.summary(recipe.total_epochs())));
            self.rows.push(row);
            self.write_weights()?;
            window.show(&self.rows, &held_out.grid(&self.trainer)?)?;
        }
        bar.finish_and_clear();
        // Also for a run that was stopped between its last checkpoint and here.
        self.write_weights()
    }

    fn save(&self, epochs: usize, row: String, best: bool) -> Result<(), RunError> {
        let (tensors, state) = self.trainer.state();
        let progress = Progress { epochs, state, row, rollbacks: self.rollbacks };
        Ok(self.checkpoints.save(tensors, &progress, self.trainer.recipe().keep as usize, best)?)
    }

    /// Back to the last checkpoint, to go on at half the rates.
    fn roll_back(&mut self, bar: &ProgressBar, steps: usize) -> Result<(), RunError> {
        let (step, epoch, allowed) = (self.trainer.steps(), self.done + 1, self.trainer.recipe().rollbacks);
        let checkpoint = self.checkpoints.latest(&self.trainer.device().clone())?;
        let (Some((tensors, progress)), true) = (checkpoint, self.rollbacks < allowed) else {
            let run = self.folder.clone();
            return Err(RunError::Diverged { step, epoch, rollbacks: self.rollbacks, run });
        };
        self.trainer.restore(&tensors, progress.state)?;
        self.rollbacks += 1;
        bar.set_position((self.done * steps) as u64);
        bar.suspend(|| {
            eprintln!(
                "epoch {epoch}: a loss is not a number or far out of range at step {step}; back to the checkpoint of epoch {}, \
                 on at half the learning rates ({} of {allowed} times)",
                self.done, self.rollbacks
            );
        });
        Ok(())
    }

    /// Epoch `epoch`, counted from 0; none if it diverged.
    fn epoch(
        &mut self,
        loader: &Loader,
        epoch: usize,
        held_out: &HeldOut,
        bar: &ProgressBar,
    ) -> Result<Option<Row>, RunError> {
        let (start, mut mean, mut rate_share, mut pairs) = (Instant::now(), Losses::default(), 1.0, 0);
        let recipe = self.trainer.recipe().clone();
        let history: Vec<f64> = self.rows.iter().map(Row::yardstick).collect();
        let steps = loader.steps();
        let mut batches = loader.epoch(epoch, 0);
        for batch in batches.by_ref() {
            let batch = batch?;
            let mut stage = recipe.stage(epoch as f64 + batch.step as f64 / steps as f64, &history);
            stage.rate *= 0.5f64.powi(self.rollbacks as i32);
            rate_share = stage.rate;
            pairs += batch.n;
            let losses = self.trainer.step(&sample(batch, self.trainer.device())?, stage)?;
            if !losses.are_sound() {
                return Ok(None);
            }
            mean.add(&losses, 1.0 / steps as f64);
            bar.inc(1);
            bar.set_message(format!("epoch {} L1 {:.4}", epoch + 1, losses.l1));
        }
        // The last step's own harm shows in no loss yet.
        if !self.trainer.is_sound()? {
            return Ok(None);
        }
        let seconds = start.elapsed().as_secs_f64();
        let measured = held_out.measure(&self.trainer)?;
        Ok(Some(Row {
            epoch: epoch + 1,
            step: self.trainer.steps(),
            losses: mean,
            rate_share,
            rollbacks: self.rollbacks,
            validation: measured.figures,
            random_network_frechet: measured.frechet,
            looks: measured.looks,
            seconds,
            pairs_per_second: pairs as f64 / seconds,
            waited: batches.waited().as_secs_f64() / seconds,
        }))
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

/// A batch on the device.
fn sample(batch: Batch, device: &Device) -> candle_core::Result<Sample> {
    let (shape, looks) = ((batch.n, 3, batch.side, batch.side), batch.style.len() / batch.n);
    Ok(Sample {
        photo: Tensor::from_vec(batch.photo, shape, device)?,
        target: Tensor::from_vec(batch.target, shape, device)?,
        style: Tensor::from_vec(batch.style, (batch.n, looks), device)?,
    })
}

fn progress_bar(total: u64, done: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:32} {pos}/{len} steps, {msg}, {per_sec}, {eta} left");
    let bar = ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_position(done);
    bar.reset_eta();
    bar
}
