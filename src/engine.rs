//! The device's owner: one thread holds the device and the loaded models, and
//! draws one job after another from a bounded queue.
//!
//! # A job's way
//!
//! A photo is fitted on the caller's side (blocking pool), waits in the queue,
//! is drawn on the engine's thread, and is finished (blend, alpha, size) on the
//! caller's side again. The thread does nothing but inference.
//!
//! A caller that must refuse work early passes three doors in order:
//! [`Engine::enter`] (is the engine up, and taking new work?), [`Ticket::admit`]
//! (is there room in the queue?) and [`Admission::prepare`], whose answer is drawn
//! by [`Prepared::draw`]. [`Engine::draw`] takes them all at once. A job that has entered is finished even when the engine
//! starts to drain.

mod draw;
mod error;
mod health;
mod job;
mod pace;
mod worker;

use std::sync::Arc;

use candle_core::Device;
use tokio::sync::{mpsc, oneshot};

pub use error::EngineError;
pub use health::Health;
pub use job::{Drawing, Job, MAX_SIDE, Settings, Timings};

use crate::models::{Card, Precision, Registry};
use health::Status;
use job::Plan;
use worker::Task;

/// What an engine needs to start.
pub struct EngineConfig {
    /// The models to load, all of them, before the engine is ready.
    pub registry: Registry,
    /// Where the networks run.
    pub device: Device,
    /// How exactly.
    pub precision: Precision,
    /// How many jobs may wait behind the one being drawn (at least 1).
    pub queue: usize,
    /// The longest side, in pixels, that a tiled model draws in one piece.
    pub tile: usize,
}

impl EngineConfig {
    /// The defaults: what is fastest on the device, 64 waiting jobs, pieces of up to 1536 pixels.
    pub fn new(registry: Registry, device: Device) -> Self {
        Self { registry, device, precision: Precision::Auto, queue: 64, tile: 1536 }
    }
}

/// A handle to the engine's thread, cheap to clone. The thread ends when the
/// last handle is gone.
#[derive(Clone)]
pub struct Engine {
    registry: Arc<Registry>,
    queue: mpsc::Sender<Task>,
    status: Arc<Status>,
}

impl Engine {
    /// Starts the thread and returns at once: loading and warming up go on
    /// behind, and [`Engine::health`] tells how far they are.
    ///
    /// # Errors
    /// [`EngineError::Failed`] where the system gives no thread.
    pub fn start(config: EngineConfig) -> Result<Self, EngineError> {
        let EngineConfig { registry, device, precision, queue, tile } = config;
        let registry = Arc::new(registry);
        let status = Arc::new(Status::default());
        let (sender, tasks) = mpsc::channel(queue.max(1));
        let worker = worker::Worker::new(registry.clone(), (device, precision), tile, status.clone());
        std::thread::Builder::new()
            .name("sakuga-engine".into())
            .spawn(move || worker.run(tasks))
            .map_err(|error| EngineError::Failed(format!("no thread for the engine: {error}")))?;
        Ok(Self { registry, queue: sender, status })
    }

    /// How the engine is: starting, ready or failed.
    pub fn health(&self) -> Health {
        self.status.health()
    }

    /// Whether [`Engine::drain`] was called.
    pub fn is_draining(&self) -> bool {
        self.status.is_draining()
    }

    /// Takes no new work from now on; what has entered is finished.
    pub fn drain(&self) {
        self.status.drain();
    }

    /// How many jobs were drawn since the start.
    pub fn drawn(&self) -> u64 {
        self.status.drawn()
    }

    /// How many jobs failed inside a network since the start, panics included.
    pub fn failures(&self) -> u64 {
        self.status.failures()
    }

    /// The cards of the models that this engine serves.
    pub fn cards(&self) -> impl Iterator<Item = &Card> {
        self.registry.cards()
    }

    /// The card of the model called `name`, or of the default model.
    ///
    /// # Errors
    /// [`EngineError::UnknownModel`] or [`EngineError::NoDefault`] name those
    /// there are.
    pub fn card(&self, name: Option<&str>) -> Result<&Card, EngineError> {
        let names = || self.cards().map(|card| card.name.clone()).collect();
        self.registry.card(name).map_err(|_| match name {
            Some(name) => EngineError::UnknownModel { name: name.to_owned(), names: names() },
            None => EngineError::NoDefault { names: names() },
        })
    }

    /// Whether a job with these settings can be drawn, before its photo is read.
    ///
    /// # Errors
    /// [`EngineError::UnknownModel`] or [`EngineError::BadParameter`].
    pub fn check(&self, settings: Settings<'_>) -> Result<(), EngineError> {
        settings.check(self.card(settings.model)?).map(|_| ())
    }

    /// The first door: the engine is up and takes new work.
    ///
    /// # Errors
    /// [`EngineError::Starting`], [`EngineError::Draining`] or
    /// [`EngineError::Failed`].
    pub fn enter(&self) -> Result<Ticket<'_>, EngineError> {
        if self.is_draining() {
            return Err(EngineError::Draining);
        }
        match self.health() {
            Health::Starting => Err(EngineError::Starting),
            Health::Failed(reason) => Err(EngineError::Failed(reason)),
            Health::Ready => Ok(Ticket { engine: self }),
        }
    }

    /// Draws a job; the answer comes when its turn has come.
    ///
    /// Must be called within a tokio runtime. A job whose future is dropped is
    /// not drawn.
    ///
    /// # Errors
    /// Every [`EngineError`].
    pub async fn draw(&self, job: Job) -> Result<Drawing, EngineError> {
        self.enter()?.admit()?.prepare(job).await?.draw().await
    }

    /// Draws a job from a plain thread: waits until the engine has started and
    /// until there is room in the queue.
    ///
    /// # Errors
    /// [`EngineError::UnknownModel`], [`EngineError::BadParameter`],
    /// [`EngineError::Failed`] or [`EngineError::Forward`].
    pub fn draw_blocking(&self, job: Job) -> Result<Drawing, EngineError> {
        let plan = self.plan(job)?;
        let (reply, answer) = oneshot::channel();
        let task = Task::new(&plan, reply);
        self.queue.blocking_send(task).map_err(|_| gone())?;
        let drawn = answer.blocking_recv().map_err(|_| gone())??;
        Ok(plan.finish(drawn))
    }

    fn plan(&self, job: Job) -> Result<Plan, EngineError> {
        let card = self.card(job.model.as_deref())?;
        Plan::new(job, card)
    }

    /// Jobs that wait or are about to: places taken in the queue.
    fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }
}

/// The first door passed: this work is finished even if the engine drains.
#[must_use = "a ticket is for entering the queue"]
pub struct Ticket<'a> {
    engine: &'a Engine,
}

impl<'a> Ticket<'a> {
    /// The second door: a place in the queue, held until the job is drawn or
    /// the admission dropped.
    ///
    /// # Errors
    /// [`EngineError::Busy`], with the time after which to ask again.
    pub fn admit(self) -> Result<Admission<'a>, EngineError> {
        let engine = self.engine;
        match engine.queue.clone().try_reserve_owned() {
            Ok(place) => Ok(Admission { engine, place }),
            Err(mpsc::error::TrySendError::Full(_)) => {
                Err(EngineError::Busy { retry_after: engine.status.pace.wait_for(engine.waiting()) })
            }
            Err(mpsc::error::TrySendError::Closed(_)) => Err(gone()),
        }
    }
}

/// A place in the queue.
#[must_use = "an admission holds a place in the queue"]
pub struct Admission<'a> {
    engine: &'a Engine,
    place: mpsc::OwnedPermit<Task>,
}

impl Admission<'_> {
    /// Fits the job's photo to the size that the network sees.
    ///
    /// # Errors
    /// [`EngineError::UnknownModel`] or [`EngineError::BadParameter`].
    pub async fn prepare(self, job: Job) -> Result<Prepared, EngineError> {
        let engine = self.engine.clone();
        let plan = blocking(move || engine.plan(job)).await??;
        Ok(Prepared { plan, place: self.place })
    }
}

/// A job whose photo is fitted, with its place in the queue.
#[must_use = "a prepared job holds a place in the queue"]
pub struct Prepared {
    plan: Plan,
    place: mpsc::OwnedPermit<Task>,
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
        let Self { plan, place } = self;
        let (reply, answer) = oneshot::channel();
        place.send(Task::new(&plan, reply));
        let drawn = answer.await.map_err(|_| gone())??;
        blocking(move || plan.finish(drawn)).await
    }
}

/// Runs pixel work on the blocking pool; a panic there fails this job alone.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, EngineError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| EngineError::Forward(format!("the picture's preparation failed: {error}")))
}

fn gone() -> EngineError {
    EngineError::Failed("the engine's thread has ended".into())
}
