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

mod admission;
mod catalog;
mod draw;
mod error;
mod health;
mod inbox;
mod job;
mod pace;
mod pool;
mod queue;
mod recovery;
mod reload;
mod score;
mod watchdog;
mod work;
mod worker;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use candle_core::Device;
use tokio::sync::{Mutex, mpsc, oneshot};

pub use admission::{Admission, Prepared, Ticket};
pub use catalog::Catalog;
pub use error::EngineError;
pub use health::Health;
pub use job::{Drawing, Job, MAX_SIDE, Settings, Timings};
pub use reload::Reloaded;
pub use score::{SCORED_SIDE, Score};

use crate::imaging::Picture;
use crate::models::{Precision, Registry};
use health::Status;
use queue::Room;
use score::Judging;
use work::{Task, Work};

/// What an engine needs to start.
pub struct EngineConfig {
    /// The models; the default one is loaded before the engine is ready, the others when they are asked for.
    pub registry: Registry,
    /// Bytes that the loaded models' weights may take together, in f32.
    pub model_memory: u64,
    /// Where the networks run.
    pub device: Device,
    /// How exactly.
    pub precision: Precision,
    /// How many jobs may wait behind the one being drawn (at least 1).
    pub queue: usize,
    /// How many pixels, as the network sees them, the waiting jobs may have
    /// together; a job of more waits alone.
    pub queue_pixels: u64,
    /// What a model that can be drawn in tiles draws in one piece: at most as many pixels as a square of this side.
    pub tile: usize,
}

impl EngineConfig {
    /// The defaults: the precision that is fastest on the processor, 64 waiting jobs of 64
    /// megapixels together, pieces of up to 1536² pixels, 2 GiB of models.
    pub fn new(registry: Registry, device: Device) -> Self {
        Self {
            registry,
            model_memory: 2 << 30,
            device,
            precision: Precision::Auto,
            queue: 64,
            queue_pixels: 64_000_000,
            tile: 1536,
        }
    }
}

/// A handle to the engine's thread, cheap to clone. The thread ends when the
/// last handle is gone.
#[derive(Clone)]
pub struct Engine {
    /// The models by now.
    catalog: Arc<RwLock<Arc<Catalog>>>,
    reloading: Arc<Mutex<()>>,
    /// Unbounded: what enters has its place in the room, or waits for its answer.
    queue: mpsc::UnboundedSender<Work>,
    room: Arc<Room>,
    status: Arc<Status>,
}

impl Engine {
    /// Starts the thread and returns at once: loading and warming up go on
    /// behind, and [`Engine::health`] tells how far they are.
    ///
    /// # Errors
    /// [`EngineError::Failed`] where the system gives no thread.
    pub fn start(config: EngineConfig) -> Result<Self, EngineError> {
        let EngineConfig { registry, model_memory, device, precision, queue, queue_pixels, tile } = config;
        let catalog = Catalog::new(registry, (device.clone(), precision, model_memory));
        let catalog = Arc::new(RwLock::new(Arc::new(catalog)));
        let status = Arc::new(Status::default());
        let (sender, tasks) = mpsc::unbounded_channel();
        let worker = worker::Worker::new(catalog.clone(), device, tile, status.clone());
        std::thread::Builder::new()
            .name("sakuga-engine".into())
            .spawn(move || worker.run(tasks))
            .map_err(|error| EngineError::Failed(format!("no thread for the engine: {error}")))?;
        let room = Arc::new(Room::new(queue, queue_pixels));
        Ok(Self { catalog, reloading: Arc::default(), queue: sender, room, status })
    }

    /// How the engine is: starting, ready, failed or lost.
    pub fn health(&self) -> Health {
        self.status.health()
    }

    /// Waits until the device is lost, which may be for ever; the reason. Only
    /// a new process can draw again.
    pub async fn lost(&self) -> String {
        self.status.lost().await
    }

    /// Proves the device with a forward pass of every loaded model whenever nothing was
    /// drawn for `interval`. Ends with the engine.
    pub async fn watch(&self, interval: Duration) {
        loop {
            let drawn = self.drawn();
            tokio::time::sleep(interval).await;
            if self.drawn() != drawn || self.health() == Health::Starting {
                continue;
            }
            let (done, proved) = oneshot::channel();
            if self.queue.send(Work::Prove(done)).is_err() {
                return;
            }
            // Nothing is said: the end of the work is the word.
            let _ = proved.await;
        }
    }

    /// Declares the device lost when a forward pass, of a picture or of a tile, does
    /// not end within `limit`. Ends then.
    pub async fn guard(&self, limit: Duration) {
        watchdog::watch(&self.status, limit).await;
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

    /// How many times the idle device was proved since the start.
    pub fn proofs(&self) -> u64 {
        self.status.proofs()
    }

    /// How many jobs wait or are about to.
    pub fn waiting(&self) -> usize {
        self.room.jobs()
    }

    /// The models as they are by now.
    pub fn catalog(&self) -> Arc<Catalog> {
        // Only ever replaced as a whole: a panic cannot leave it torn.
        self.catalog.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The first door: the engine is up and takes new work.
    ///
    /// # Errors
    /// [`EngineError::Starting`], [`EngineError::Draining`] or
    /// [`EngineError::Failed`].
    pub fn enter(&self) -> Result<Ticket, EngineError> {
        if self.is_draining() {
            return Err(EngineError::Draining);
        }
        match self.health() {
            Health::Starting => Err(EngineError::Starting),
            Health::Failed(reason) | Health::Lost(reason) => Err(EngineError::Failed(reason)),
            Health::Ready => Ok(Ticket::new(self.clone(), self.catalog())),
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
        let ticket = self.enter()?;
        let pixels = ticket.catalog().pixels(job.settings(), (job.photo.width, job.photo.height))?;
        ticket.admit(pixels)?.prepare(job).await?.draw().await
    }

    /// Draws a job from a plain thread: waits until the engine has started and
    /// the job's turn has come, however many wait.
    ///
    /// # Errors
    /// [`EngineError::UnknownModel`], [`EngineError::BadParameter`],
    /// [`EngineError::Failed`] or [`EngineError::Forward`].
    pub fn draw_blocking(&self, job: Job) -> Result<Drawing, EngineError> {
        let catalog = self.catalog();
        let plan = catalog.plan(job)?;
        let model = catalog.model(&plan.model)?;
        let (reply, answer) = oneshot::channel();
        self.queue.send(Work::Draw(Task::new(&plan, (catalog, model), reply, None))).map_err(|_| gone())?;
        let drawn = answer.blocking_recv().map_err(|_| gone())??;
        Ok(plan.finish(drawn))
    }

    /// Judges a drawing of a photo by the discriminator of the model called so,
    /// from a plain thread as [`Self::draw_blocking`].
    ///
    /// # Errors
    /// Those of [`Admission::score`].
    pub fn score_blocking(
        &self,
        model: Option<&str>,
        photo: &Picture,
        drawing: &Picture,
    ) -> Result<Score, EngineError> {
        let catalog = self.catalog();
        let model = catalog.model(&catalog.judge(model)?.name)?;
        let (reply, answer) = oneshot::channel();
        let judging = Judging::new(model, (photo, drawing), reply, None)?;
        self.queue.send(Work::Judge(judging)).map_err(|_| gone())?;
        answer.blocking_recv().map_err(|_| gone())?
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
