//! Whether a discriminator knows the better of two drawings.
//!
//! A model that draws by chance draws a photo several times; its discriminator
//! finds one more real than the other. If that has to do with how near they
//! are to the target, choosing by it is worth the time.

use super::dataset::Pairs;
use super::evaluate::{EvaluateError, draw};
use super::metrics::{Figures, figures};
use crate::imaging::{Picture, tensor};
use crate::models::{Model, Style};
use candle_core::{Device, Result, Tensor};
use indicatif::ProgressBar;
use serde::Serialize;
use std::fmt;

/// A share in 0..1, its mean over the pictures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Share {
    /// The mean.
    pub mean: f64,
    /// The mean's standard error.
    pub error: f64,
}

impl Share {
    fn of(shares: &[f64]) -> Self {
        let n = shares.len() as f64;
        let mean = shares.iter().sum::<f64>() / n;
        let spread = shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>();
        Self { mean, error: (spread / (n * (n - 1.0).max(1.0))).sqrt() }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} ± {:.3}", self.mean, self.error)
    }
}

/// How a discriminator ranks drawings of the same photo.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Ranking {
    /// Drawings of each photo.
    pub candidates: u64,
    /// Of two of them, how often the one that it finds more real has the higher SSIM to the target; chance is 0.5.
    pub nearer_by_ssim: Share,
    /// The same, the lower L1.
    pub nearer_by_l1: Share,
    /// How often it finds the target more real than a drawing.
    pub target_over_drawing: Share,
}

/// One drawing: how real it looks, and how near it is to the target.
struct Candidate {
    realism: f32,
    figures: Figures,
}

/// Draws every photo of `pairs` with `candidates` seeds, at least 2, and ranks
/// the drawings; `progress` counts photos. `model` draws by chance and has a
/// discriminator (see [`Card::choice`](crate::models::Card::choice)).
///
/// # Errors
/// When a pair cannot be read, or a photo is too large or too small for the networks.
pub fn rank(
    model: &Model,
    style: &Style,
    pairs: &Pairs,
    device: &Device,
    candidates: u64,
    progress: &ProgressBar,
) -> std::result::Result<Ranking, EvaluateError> {
    progress.set_length(pairs.len() as u64);
    let (mut by_ssim, mut by_l1, mut target_over) = (Vec::new(), Vec::new(), Vec::new());
    for index in 0..pairs.len() {
        let pair = pairs.read(index)?;
        let (photo, target) = (&pair.photo, &pair.targets[0]);
        let drawn = (0..candidates).map(|seed| {
            let mut style = style.clone();
            style.seed = Some(seed);
            let drawing = draw(model, &style, photo, device)?;
            let realism = realism(model, photo, &drawing, device)?;
            Ok(Candidate { realism, figures: figures(&drawing, target) })
        });
        let judged = || Ok((drawn.collect::<Result<Vec<_>>>()?, realism(model, photo, target, device)?));
        let (drawn, real) = judged().map_err(|source| EvaluateError::Draw {
            name: pair.name.clone(),
            width: photo.width,
            height: photo.height,
            source,
        })?;
        by_ssim.push(agreement(&drawn, |a, b| a.ssim > b.ssim));
        by_l1.push(agreement(&drawn, |a, b| a.l1 < b.l1));
        target_over.push(drawn.iter().filter(|drawing| drawing.realism < real).count() as f64 / drawn.len() as f64);
        progress.inc(1);
    }
    Ok(Ranking {
        candidates,
        nearer_by_ssim: Share::of(&by_ssim),
        nearer_by_l1: Share::of(&by_l1),
        target_over_drawing: Share::of(&target_over),
    })
}

/// Of all pairs of drawings, the share in which the more real one is the nearer.
fn agreement(drawn: &[Candidate], nearer: fn(&Figures, &Figures) -> bool) -> f64 {
    let pairs: Vec<_> = drawn.iter().enumerate().flat_map(|(i, a)| drawn[..i].iter().map(move |b| (a, b))).collect();
    let agree = |(a, b): &&(&Candidate, &Candidate)| (a.realism > b.realism) == nearer(&a.figures, &b.figures);
    pairs.iter().filter(agree).count() as f64 / pairs.len() as f64
}

/// The mean judgement of a picture's patches, 0 drawn by a machine … 1 real.
fn realism(model: &Model, photo: &Picture, picture: &Picture, device: &Device) -> Result<f32> {
    let (inputs, outputs) = model.card().architecture.channels();
    let tensor = |picture, channels| -> Result<Tensor> { tensor::from_picture(picture, channels, device) };
    model.score(&tensor(photo, inputs)?, &tensor(picture, outputs)?)?.mean_all()?.to_scalar()
}

impl fmt::Display for Ranking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { candidates, nearer_by_ssim, nearer_by_l1, target_over_drawing } = self;
        write!(
            f,
            "of two of {candidates} drawings the more real one is the nearer to the target in {nearer_by_ssim} by SSIM, \
             {nearer_by_l1} by L1 (chance: 0.5); the target looks more real than the drawing in {target_over_drawing}"
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::train::metrics;

    fn candidate(realism: f32, ssim: f64) -> Candidate {
        let grey = Picture { width: 8, height: 8, rgb: vec![90; 192], alpha: None };
        Candidate { realism, figures: Figures { ssim, ..metrics::figures(&grey, &grey) } }
    }

    #[test]
    fn agreement_is_the_share_of_pairs_in_one_order() {
        let share = |drawn: &[Candidate]| agreement(drawn, |a, b| a.ssim > b.ssim);
        assert_eq!(share(&[candidate(0.1, 0.2), candidate(0.5, 0.3), candidate(0.6, 0.9)]), 1.0);
        assert_eq!(share(&[candidate(0.9, 0.2), candidate(0.5, 0.3), candidate(0.1, 0.9)]), 0.0);
        assert_eq!(share(&[candidate(0.1, 0.2), candidate(0.6, 0.3), candidate(0.5, 0.9)]), 2.0 / 3.0);
    }

    #[test]
    fn the_error_is_that_of_the_mean() {
        let share = Share::of(&[0.0, 1.0, 0.5, 0.5]);
        // Sample deviation √(0.5/3), over √4.
        assert!((share.mean - 0.5).abs() < 1e-12 && (share.error - (0.5f64 / 3.0).sqrt() / 2.0).abs() < 1e-12);
    }
}
