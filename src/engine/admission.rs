//! The doors that a job passes: a ticket, a place in the queue, a fitted photo.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::catalog::Catalog;
use super::health::Status;
use super::job::Plan;
use super::pool::Resident;
use super::queue::Place;
use super::score::Judging;
use super::work::{Task, Work};
use super::{Drawing, Engine, EngineError, Job, Score, Settings, blocking, gone};
use crate::imaging::Picture;

/// The first door passed: this work is finished even if the engine drains.
#[must_use = "a ticket is for entering the queue"]
pub struct Ticket {
    engine: Engine,
    catalog: Arc<Catalog>,
}

impl Ticket {
    pub(super) fn new(engine: Engine, catalog: Arc<Catalog>) -> Self {
        Self { engine, catalog }
    }

    /// The models that its work is checked against and drawn by.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.catalog.clone()
    }

    /// The second door: a place in the queue for a job of so many pixels (see
    /// [`Catalog::pixels`]), held until the job is drawn or the admission dropped.
    ///
    /// # Errors
    /// [`EngineError::Busy`], with the time after which to ask again.
    pub fn admit(self, pixels: u64) -> Result<Admission, EngineError> {
        let Self { engine, catalog } = self;
        match engine.room.enter(pixels) {
            Some(place) => Ok(Admission { engine, catalog, place: Arc::new(place) }),
            None => Err(EngineError::Busy { retry_after: engine.status.pace.wait_for(engine.room.weight()) }),
        }
    }
}

/// A place in the queue; cheap to clone, for jobs that follow each other in one
/// place.
#[derive(Clone)]
#[must_use = "an admission holds a place in the queue"]
pub struct Admission {
    engine: Engine,
    catalog: Arc<Catalog>,
    place: Arc<Place>,
}

impl Admission {
    /// The longest side, in pixels, that the network will see.
    ///
    /// # Errors
    /// [`EngineError::UnknownModel`].
    pub fn side(&self, settings: Settings<'_>) -> Result<u32, EngineError> {
        self.catalog.side(settings)
    }

    /// Fits the job's photo to the size that the network sees, and has its model loaded.
    ///
    /// # Errors
    /// [`EngineError::UnknownModel`], [`EngineError::BadParameter`] or [`EngineError::Unavailable`].
    pub async fn prepare(self, job: Job) -> Result<Prepared, EngineError> {
        let Self { engine, catalog, place } = self;
        let (queue, status) = (engine.queue.clone(), engine.status.clone());
        let planned = catalog.clone();
        let (plan, model) = blocking(move || {
            let plan = planned.plan(job)?;
            let model = planned.model(&plan.model)?;
            Ok::<_, EngineError>((plan, model))
        })
        .await??;
        Ok(Prepared { plan, catalog, model, queue, status, place })
    }

    /// Judges a drawing of a photo by the discriminator of the model called so.
    ///
    /// # Errors
    /// [`EngineError::UnknownModel`], [`EngineError::BadParameter`] for a model
    /// without a discriminator or a photo that is too small, [`EngineError::Forward`].
    pub async fn score(self, model: Option<&str>, photo: Picture, drawing: Picture) -> Result<Score, EngineError> {
        let Self { engine, catalog, place } = self;
        let name = catalog.judge(model)?.name.clone();
        let (reply, answer) = oneshot::channel();
        let judge = move || Judging::new(catalog.model(&name)?, (&photo, &drawing), reply, Some(place));
        let judging = blocking(judge).await??;
        engine.queue.send(Work::Judge(judging)).map_err(|_| gone())?;
        engine.status.answer(answer).await
    }
}

/// A job whose photo is fitted, with its place in the queue.
#[must_use = "a prepared job holds a place in the queue"]
pub struct Prepared {
    plan: Plan,
    catalog: Arc<Catalog>,
    model: Arc<Resident>,
    status: Arc<Status>,
    queue: mpsc::UnboundedSender<Work>,
    place: Arc<Place>,
}

impl Prepared {
    /// How many pixels the answer will have.
    pub fn pixels(&self) -> usize {
        self.plan.pixels()
    }

    /// Draws the job, in its turn.
    ///
    /// # Errors
    /// [`EngineError::Forward`] or [`EngineError::Failed`].
    pub async fn draw(self) -> Result<Drawing, EngineError> {
        let Self { plan, catalog, model, status, queue, place } = self;
        let (reply, answer) = oneshot::channel();
        queue.send(Work::Draw(Task::new(&plan, (catalog, model), reply, Some(place)))).map_err(|_| gone())?;
        drop(queue);
        let drawn = status.answer(answer).await?;
        blocking(move || plan.finish(drawn)).await
    }
}
