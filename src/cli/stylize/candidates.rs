//! Several drawings of a photo, and which of them looks most real.

use crate::engine::{Drawing, Engine, Job};
use anyhow::{Context, bail};

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
    let card = catalog.card(model)?;
    if !card.architecture.draws_by_chance() {
        bail!(
            "the model `{}` draws a photo the same way each time, so there is nothing for --candidates to choose from; \
             a pix2pix network with dropout draws by chance once `sakuga-train publish --at-test image` or \
             `sakuga import --at-test image` has made it a model",
            card.name
        );
    }
    if card.weights.discriminator.is_none() {
        bail!("the model `{}` has no discriminator to judge --candidates", card.name);
    }
    Ok(())
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
