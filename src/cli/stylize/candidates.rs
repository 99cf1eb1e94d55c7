//! Several drawings of a photo, and which of them looks most real.

use crate::engine::{Drawing, Engine, Job};
use anyhow::Context;

/// The drawing that was kept.
pub(super) struct Best {
    pub drawing: Drawing,
    /// The seed that draws it again.
    pub seed: u64,
    /// The discriminator's mean judgement, 0 drawn by a machine … 1 real.
    pub realism: f32,
}

/// Whether the model called so can draw candidates and judge them.
///
/// # Errors
/// Says what it lacks.
pub(super) fn check(engine: &Engine, model: Option<&str>) -> anyhow::Result<()> {
    let catalog = engine.catalog();
    catalog.card(model)?.choice().map_err(anyhow::Error::msg)
}

/// Draws `job` with `count` seeds, from `first` on, and keeps the drawing that
/// the model's discriminator finds most real; of equals the first.
///
/// # Errors
/// Those of the engine.
pub(super) fn best(engine: &Engine, job: &Job, first: u64, count: u64) -> anyhow::Result<Best> {
    let mut best: Option<Best> = None;
    for seed in (0..count).map(|step| first.wrapping_add(step)) {
        let drawing = engine.draw_blocking(Job { seed: Some(seed), ..job.clone() })?;
        let score = engine.score_blocking(job.model.as_deref(), &job.photo, &drawing.picture)?;
        let realism = score.mean();
        if best.as_ref().is_none_or(|best| best.realism < realism) {
            best = Some(Best { drawing, seed, realism });
        }
    }
    best.context("--candidates must be at least 1")
}
