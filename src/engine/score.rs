//! How real a drawing of a photo looks to the discriminator that its model was
//! trained against.

use std::sync::Arc;

use candle_core::{Device, Result};
use tokio::sync::oneshot;

use super::error::EngineError;
use super::pool::Resident;
use super::queue::Place;
use crate::imaging::{Picture, resize, tensor};

/// The longest side that is judged, in pixels: every patch of 70×70 is a
/// judgement of its own, so that a larger picture would tell no more.
pub const SCORED_SIDE: u32 = 512;
/// The shortest side that a PatchGAN of three halvings can take, in pixels.
pub const LEAST_SIDE: u32 = 32;

/// A map of judgements.
#[derive(Clone, Debug)]
pub struct Score {
    /// Patches in a row.
    pub width: usize,
    /// Rows of patches.
    pub height: usize,
    /// `(height, width)`: 0 drawn by a machine … 1 real.
    pub patches: Vec<f32>,
    /// The size of what was judged, in pixels.
    pub size: (u32, u32),
    /// The model whose discriminator judged.
    pub model: String,
}

impl Score {
    /// The mean of the patches.
    pub fn mean(&self) -> f32 {
        self.patches.iter().sum::<f32>() / self.patches.len().max(1) as f32
    }
}

/// What is to be judged, as it lies in the queue.
pub(super) struct Judging {
    pub model: Arc<Resident>,
    photo: Picture,
    drawing: Picture,
    reply: oneshot::Sender<std::result::Result<Score, EngineError>>,
    /// Its place in the queue, given free with it; none for one that waits however many do.
    _place: Option<Arc<Place>>,
}

impl Judging {
    /// Brings both to one size.
    ///
    /// # Errors
    /// [`EngineError::BadParameter`] for a photo that is too small.
    pub fn new(
        model: Arc<Resident>,
        (photo, drawing): (&Picture, &Picture),
        reply: oneshot::Sender<std::result::Result<Score, EngineError>>,
        place: Option<Arc<Place>>,
    ) -> std::result::Result<Self, EngineError> {
        let photo = resize::fit(photo, SCORED_SIDE);
        if photo.width.min(photo.height) < LEAST_SIDE {
            let problem = format!("is too small to be judged: it needs {LEAST_SIDE} pixels a side");
            return Err(EngineError::BadParameter { name: "image", problem });
        }
        let drawing = resize::to(drawing, photo.width, photo.height);
        Ok(Self { model, photo, drawing, reply, _place: place })
    }

    /// Whether nobody waits for it any more.
    pub fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    /// The judgement.
    ///
    /// # Errors
    /// Whatever candle answers.
    pub fn judge(&self, device: &Device) -> Result<Score> {
        let model = &self.model.model;
        let (inputs, outputs) = model.card().architecture.channels();
        let photo = tensor::from_picture(&self.photo, inputs, device)?;
        let drawing = tensor::from_picture(&self.drawing, outputs, device)?;
        let patches = model.score(&photo, &drawing)?;
        let (_, _, height, width) = patches.dims4()?;
        let size = (self.photo.width, self.photo.height);
        Ok(Score { width, height, patches: patches.flatten_all()?.to_vec1()?, size, model: model.card().name.clone() })
    }

    pub fn answer(self, answer: std::result::Result<Score, EngineError>) {
        // The requester may have gone meanwhile: nobody is there to tell.
        let _ = self.reply.send(answer);
    }
}
