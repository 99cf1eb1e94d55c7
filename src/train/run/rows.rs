//! The rows of `metrics.jsonl`: one an epoch, none twice.

use super::RunError;
use crate::models::publish::replace;
use crate::train::checkpoint::Progress;
use crate::train::metrics::Figures;
use crate::train::tally::Losses;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// The rows' file in a run's folder.
pub(super) const FILE: &str = "metrics.jsonl";

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
    /// Returns to a checkpoint so far, each of which halved the rate.
    #[serde(default)]
    pub rollbacks: u32,
    /// Medians over the validation pictures, all looks together.
    pub validation: Option<Figures>,
    /// How far the drawings' textures are from the targets': see
    /// [`Textures::distance`](crate::train::metrics::Textures::distance).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub random_network_frechet: Option<f64>,
    /// Medians look by look, where there are several.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub looks: BTreeMap<String, Figures>,
    /// Seconds the epoch took, validation left out.
    pub seconds: f64,
    /// Pairs shown a second.
    pub pairs_per_second: f64,
    /// Share of the time spent waiting for data.
    pub waited: f64,
}

impl Row {
    /// The L1 that a plateau is told by: on held-out pairs, where there are any.
    pub fn yardstick(&self) -> f64 {
        self.validation.as_ref().map_or(self.losses.l1, |figures| figures.l1)
    }

    /// What the best checkpoint has most of: SSIM on held-out pairs; without
    /// them, the least L1.
    pub fn score(&self) -> f64 {
        self.validation.as_ref().map_or(-self.losses.l1, |figures| figures.ssim)
    }

    /// The row as a line for people, of a run of `epochs`.
    pub(super) fn summary(&self, epochs: usize) -> String {
        let mut text = format!(
            "epoch {}/{epochs}: L1 {:.4}, {:.1} pairs/s, waited {:.0} % for data",
            self.epoch,
            self.losses.l1,
            self.pairs_per_second,
            100.0 * self.waited
        );
        if self.losses.discriminator != 0.0 {
            text += &format!(", D {:.3}, G {:.3}", self.losses.discriminator, self.losses.gan);
        }
        if let Some(figures) = &self.validation {
            text += &format!(
                "; validation SSIM {:.3}, PSNR {:.1} dB, Laplacian ratio {:.2}",
                figures.ssim, figures.psnr, figures.laplacian_ratio
            );
        }
        text
    }
}

/// Rows of epochs after the checkpoint go; the checkpoint's own is added if it
/// is missing: so a resume repeats and loses none.
pub(super) fn mend(file: &Path, progress: &Progress) -> Result<Vec<Row>, RunError> {
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
    // Before the first epoch there is none.
    if !progress.row.is_empty() {
        lines.push(progress.row.clone());
        replace(file, (lines.join("\n") + "\n").as_bytes())?;
    }
    let read = |line: &String| serde_json::from_str(line);
    lines
        .iter()
        .map(read)
        .collect::<Result<_, _>>()
        .map_err(|error| RunError::File { file: file.to_owned(), source: std::io::Error::other(error) })
}

pub(super) fn append(file: &Path, row: &str) -> Result<(), RunError> {
    let failed = |source| RunError::File { file: file.to_owned(), source };
    let mut handle = std::fs::OpenOptions::new().create(true).append(true).open(file).map_err(failed)?;
    // One write, so that a reader never sees half a row.
    handle.write_all(format!("{row}\n").as_bytes()).map_err(failed)
}
