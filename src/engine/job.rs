//! One picture to draw, and what is done to its pixels before and after the
//! network.

use std::sync::Arc;
use std::time::Duration;

use super::error::EngineError;
use crate::imaging::{Picture, resize, upscale};
use crate::models::{Card, Style};

/// The longest side of an answer, in pixels, where neither the job nor the
/// model's card says one.
const DEFAULT_MAX_SIDE: u32 = 1536;

/// The largest `max_side` that can be asked for, in pixels.
pub const MAX_SIDE: u32 = 16_384;

/// A photo and how to draw it.
#[derive(Clone, Debug)]
pub struct Job {
    /// The photo, upright.
    pub photo: Picture,
    /// The model's name; none for the default model.
    pub model: Option<String>,
    /// A style of the model, or a mix such as `cel:0.7,gouache:0.3`; none for its first.
    pub style: Option<String>,
    /// 0 is the photo, 1 the drawing; between them what the model's network
    /// draws, or a blend of pixels where it has learnt one style only.
    pub strength: f32,
    /// For models that draw with chance; the others ignore it.
    pub seed: Option<u64>,
    /// The longest side that the network sees and the answer has, in pixels:
    /// larger photos are shrunk to it, smaller ones never enlarged.
    pub max_side: Option<u32>,
    /// Whether the answer is brought back to the photo's own size.
    pub original_size: bool,
}

impl Job {
    /// What can be checked of it without its photo.
    pub fn settings(&self) -> Settings<'_> {
        Settings {
            model: self.model.as_deref(),
            style: self.style.as_deref(),
            strength: self.strength,
            max_side: self.max_side,
        }
    }
}

/// A drawn picture.
#[derive(Clone, Debug)]
pub struct Drawing {
    /// The picture, with the photo's alpha.
    pub picture: Picture,
    /// The model that drew it.
    pub model: String,
    /// The SHA-256 of the weights that drew it, hexadecimal.
    pub weights_hash: String,
    /// How long it took.
    pub timings: Timings,
}

/// Where a job's time went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timings {
    /// From the queue's entry to the engine's hand.
    pub queue: Duration,
    /// The network alone, tensor in to tensor out; the sum over tiles.
    pub infer: Duration,
}

/// The settings of a job that can be checked without its photo.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// See [`Job::model`].
    pub model: Option<&'a str>,
    /// See [`Job::style`].
    pub style: Option<&'a str>,
    /// See [`Job::strength`].
    pub strength: f32,
    /// See [`Job::max_side`].
    pub max_side: Option<u32>,
}

impl Settings<'_> {
    /// The style asked for.
    ///
    /// # Errors
    /// [`EngineError::BadParameter`] for what `card` cannot follow.
    pub(super) fn check(&self, card: &Card) -> Result<Style, EngineError> {
        if !(0.0..=1.0).contains(&self.strength) {
            let problem = "must be a number from 0 to 1".to_owned();
            return Err(EngineError::BadParameter { name: "strength", problem });
        }
        let largest = largest_side(card);
        if self.max_side.is_some_and(|side| !(1..=largest).contains(&side)) {
            let problem = format!("must be from 1 to {largest} pixels for the model `{}`", card.name);
            return Err(EngineError::BadParameter { name: "max_side", problem });
        }
        Style::of(card, self.style, self.strength)
            .map_err(|problem| EngineError::BadParameter { name: "style", problem })
    }

    /// The longest side that `card`'s network sees.
    pub(super) fn side(&self, card: &Card) -> u32 {
        self.max_side.or(card.max_side).unwrap_or(DEFAULT_MAX_SIDE)
    }

    /// How many pixels `card`'s network sees of a photo of this size.
    pub(super) fn pixels(&self, card: &Card, (width, height): (u32, u32)) -> u64 {
        let (width, height) = resize::fitted(width, height, self.side(card));
        u64::from(width) * u64::from(height)
    }
}

/// A model that runs whole needs memory for the whole picture at once, so its
/// own size is the limit; tiles take any size.
fn largest_side(card: &Card) -> u32 {
    if card.reach.is_some() { MAX_SIDE } else { card.max_side.unwrap_or(DEFAULT_MAX_SIDE) }
}

/// A job ready for the queue.
pub(super) struct Plan {
    /// The model's name.
    pub model: String,
    /// What the network sees.
    pub photo: Arc<Picture>,
    /// The photo at its own size, where the answer goes back to it.
    original: Option<Picture>,
    /// What to draw.
    pub style: Style,
}

impl Plan {
    /// Checks the job against `card` and fits its photo.
    ///
    /// # Errors
    /// [`EngineError::BadParameter`].
    pub fn new(job: Job, card: &Card) -> Result<Self, EngineError> {
        let mut style = job.settings().check(card)?;
        style.seed = job.seed.filter(|_| card.architecture.draws_by_chance());
        let max_side = job.settings().side(card);
        let shrinks = job.photo.width.max(job.photo.height) > max_side;
        let (photo, original) = match (shrinks, job.original_size) {
            (false, _) => (job.photo, None),
            (true, false) => (resize::fit(&job.photo, max_side), None),
            (true, true) => (resize::fit(&job.photo, max_side), Some(job.photo)),
        };
        Ok(Self { model: card.name.clone(), photo: Arc::new(photo), original, style })
    }

    /// How many pixels the answer will have.
    pub fn pixels(&self) -> usize {
        let answer = self.original.as_ref().unwrap_or(&self.photo);
        answer.width as usize * answer.height as usize
    }

    /// Brings what the network drew to the answer's size, blends it with the
    /// photo and gives it the photo's alpha, if it has none of its own.
    pub fn finish(self, drawn: Drawn) -> Drawing {
        let Drawn { picture: mut drawing, weights_hash, timings } = drawn;
        // The worker has dropped its share by now, so this is rarely a copy.
        let photo = Arc::unwrap_or_clone(self.photo);
        let photo = match self.original {
            Some(original) => {
                let alpha =
                    drawing.alpha.as_ref().and_then(|_| resize::to(&drawing, original.width, original.height).alpha);
                drawing = Picture { alpha, ..upscale::guided(&drawing, &photo, &original) };
                original
            }
            None => photo,
        };
        blend(&mut drawing.rgb, &photo.rgb, self.style.blend);
        // A network that draws alpha knows better.
        drawing.alpha = drawing.alpha.or(photo.alpha);
        Drawing { picture: drawing, model: self.model, weights_hash, timings }
    }
}

/// What comes back from the engine's thread.
pub(super) struct Drawn {
    /// Of the planned photo's size.
    pub picture: Picture,
    pub weights_hash: String,
    pub timings: Timings,
}

/// Moves `drawing` towards `photo`: strength 1 leaves it, 0 makes it the photo.
fn blend(drawing: &mut [u8], photo: &[u8], strength: f32) {
    if strength >= 1.0 {
        return;
    }
    for (drawn, &seen) in drawing.iter_mut().zip(photo) {
        let seen = f32::from(seen);
        *drawn = (seen + strength * (f32::from(*drawn) - seen)).round() as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blend_ends_at_the_photo_and_at_the_drawing() {
        let photo = [0, 100, 255];
        for (strength, expected) in [(0.0, [0, 100, 255]), (0.5, [100, 100, 128]), (1.0, [200, 100, 0])] {
            let mut drawing = [200, 100, 0];
            blend(&mut drawing, &photo, strength);
            assert_eq!(drawing, expected, "strength {strength}");
        }
    }
}
