//! The engine's thread: loads the models, warms them up, and draws.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use candle_core::Device;
use tokio::sync::{mpsc, oneshot};

use super::catalog::Catalog;
use super::draw;
use super::error::EngineError;
use super::health::{Health, Status};
use super::job::{Drawn, Plan, Timings};
use super::pool::Resident;
use super::queue::{Place, units};
use super::recovery::recover;
use super::score::Judging;
use crate::imaging::Picture;
use crate::models::Style;

/// How long a failed device rests before it is tried again.
const REST: Duration = Duration::from_secs(5);
/// What the thread is asked for.
pub(super) enum Work {
    /// A drawing.
    Draw(Task),
    /// A judgement of a drawing.
    Judge(Judging),
    /// New models, to be proved first.
    Adopt { catalog: Arc<Catalog>, reply: oneshot::Sender<Result<(), EngineError>> },
    /// A proof that the device still works, and word when it is done.
    Prove(oneshot::Sender<()>),
}

/// A job as it lies in the queue.
pub(super) struct Task {
    catalog: Arc<Catalog>,
    model: Arc<Resident>,
    photo: Arc<Picture>,
    style: Style,
    reply: oneshot::Sender<Result<Drawn, EngineError>>,
    queued: Instant,
    place: Option<Arc<Place>>,
    /// The request's, so that what is logged here bears its id.
    span: tracing::Span,
}

impl Task {
    /// A task of drawing what `plan` says.
    pub fn new(
        plan: &Plan,
        (catalog, model): (Arc<Catalog>, Arc<Resident>),
        reply: oneshot::Sender<Result<Drawn, EngineError>>,
        place: Option<Arc<Place>>,
    ) -> Self {
        Self {
            catalog,
            model,
            photo: plan.photo.clone(),
            style: plan.style.clone(),
            reply,
            queued: Instant::now(),
            place,
            span: tracing::Span::current(),
        }
    }

    fn pixels(&self) -> u64 {
        u64::from(self.photo.width) * u64::from(self.photo.height)
    }

    fn answer(self, answer: Result<Drawn, EngineError>) {
        let Self { photo, reply, .. } = self;
        // Before the answer, so that the caller holds the only share.
        drop(photo);
        // The requester may have gone meanwhile: nobody is there to tell.
        let _ = reply.send(answer);
    }
}

/// What the thread owns.
pub(super) struct Worker {
    catalog: Arc<RwLock<Arc<Catalog>>>,
    device: Device,
    tile: usize,
    status: Arc<Status>,
}

impl Worker {
    pub fn new(catalog: Arc<RwLock<Arc<Catalog>>>, device: Device, tile: usize, status: Arc<Status>) -> Self {
        Self { catalog, device, tile, status }
    }

    /// Runs until the last handle is gone.
    pub fn run(self, mut work: mpsc::UnboundedReceiver<Work>) {
        if let Err(reason) = contained(|| self.load()) {
            tracing::error!(reason, "the engine cannot start");
            self.status.set(Health::Failed(reason.clone()));
            return refuse_all(&mut work, &reason);
        }
        self.status.set(Health::Ready);
        while let Some(next) = work.blocking_recv() {
            let works = match next {
                Work::Judge(judging) if judging.is_abandoned() => continue,
                Work::Judge(judging) => self.judge(judging) || self.recover(&mut work),
                Work::Draw(task) if task.reply.is_closed() => continue,
                Work::Draw(task) => self.serve(task) || self.recover(&mut work),
                Work::Adopt { catalog, reply } => {
                    let adopted = self.adopt(catalog);
                    let works = adopted.is_ok();
                    // Whoever asked may have gone meanwhile.
                    let _ = reply.send(adopted);
                    works || self.recover(&mut work)
                }
                // Dropped when it is done, which tells who asked.
                Work::Prove(_done) => self.recover(&mut work),
            };
            if !works {
                return refuse_all(&mut work, "the device is lost");
            }
        }
    }

    /// Loads what shows whether the device works, and has it show that.
    fn load(&self) -> Result<(), String> {
        let catalog = self.catalog();
        catalog.open()?;
        self.prove_new(&catalog)
    }

    /// Proves what is in memory and has not been proved.
    fn prove_new(&self, catalog: &Catalog) -> Result<(), String> {
        catalog.residents().iter().try_for_each(|resident| catalog.prove_new(resident, &self.status.beat))
    }

    /// Proves new models and puts them in the place of the old.
    fn adopt(&self, catalog: Arc<Catalog>) -> Result<(), EngineError> {
        contained(|| self.prove_new(&catalog)).map_err(EngineError::Reload)?;
        *self.catalog.write().unwrap_or_else(PoisonError::into_inner) = catalog;
        Ok(())
    }

    fn catalog(&self) -> Arc<Catalog> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Draws one task and answers it; whether the network did its work.
    fn serve(&self, mut task: Task) -> bool {
        let start = Instant::now();
        let _in_its_span = task.span.clone().entered();
        // Its turn has come: others may wait in its place.
        task.place = None;
        let resident = task.model.clone();
        let model = &resident.model;
        let drawn = contained(|| {
            task.catalog.prove_new(&resident, &self.status.beat)?;
            let drawn = draw::draw(model, &task.photo, &task.style, self.tile, (&self.device, &self.status.beat));
            drawn.map_err(|error| error.to_string())
        });
        match drawn {
            Ok((picture, infer)) => {
                self.status.pace.record(start.elapsed(), units(task.pixels()));
                self.status.count_drawn();
                let timings = Timings { queue: start - task.queued, infer };
                let weights_hash = model.weights_hash().to_owned();
                let model = model.card().name.clone();
                metrics::counter!("sakuga_pictures_total", "model" => model.clone()).increment(1);
                metrics::counter!("sakuga_pixels_total", "model" => model).increment(task.pixels());
                task.answer(Ok(Drawn { picture, weights_hash, timings }));
                true
            }
            Err(reason) => {
                tracing::error!(model = model.card().name, reason, "a forward pass failed");
                self.status.count_failure();
                task.catalog.put_away_unproved(&resident);
                task.answer(Err(EngineError::Forward(reason)));
                false
            }
        }
    }

    /// Judges one drawing and answers; whether the network did its work.
    fn judge(&self, judging: Judging) -> bool {
        let judged = contained(|| {
            let _pass = self.status.beat.pass();
            judging.judge(&self.device).map_err(|error| error.to_string())
        });
        if let Err(reason) = &judged {
            tracing::error!(model = judging.model.model.card().name, reason, "a judgement failed");
            self.status.count_failure();
        }
        let works = judged.is_ok();
        judging.answer(judged.map_err(EngineError::Forward));
        works
    }

    fn recover(&self, work: &mut mpsc::UnboundedReceiver<Work>) -> bool {
        let prove = || contained(|| self.prove());
        recover(&self.status, REST, prove, |reason| {
            while let Ok(next) = work.try_recv() {
                next.refuse(reason);
            }
        })
    }

    fn prove(&self) -> Result<(), String> {
        let prove = |resident: &Arc<Resident>| draw::warm_up(&resident.model, &self.device, &self.status.beat);
        self.catalog().residents().iter().try_for_each(prove).map_err(|error| error.to_string())
    }
}

impl Work {
    fn refuse(self, reason: &str) {
        let reason = || EngineError::Failed(reason.to_owned());
        match self {
            Self::Draw(task) => task.answer(Err(reason())),
            Self::Judge(judging) => judging.answer(Err(reason())),
            Self::Adopt { reply, .. } => {
                // Whoever asked may have gone meanwhile.
                let _ = reply.send(Err(reason()));
            }
            Self::Prove(_done) => {}
        }
    }
}

/// Answers whatever still comes, until the last handle is gone.
fn refuse_all(work: &mut mpsc::UnboundedReceiver<Work>, reason: &str) {
    while let Some(next) = work.blocking_recv() {
        next.refuse(reason);
    }
}

/// Runs `work`, and turns a panic inside it into its message.
fn contained<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    // The models are only read and a half-made tensor is dropped: nothing that
    // a panic could leave torn is used again.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        metrics::counter!("sakuga_panics_total", "place" => "engine").increment(1);
        Err(message(panic.as_ref()))
    })
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("without a message"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_with_its_message() {
        let outcome: Result<(), _> = contained(|| panic!("a hole at {}", 7));
        assert_eq!(outcome, Err("panic: a hole at 7".into()));
    }
}
