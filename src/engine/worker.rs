//! The engine's thread: loads the models, warms them up, and draws.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use candle_core::Device;
use tokio::sync::mpsc;

use super::catalog::Catalog;
use super::draw;
use super::error::EngineError;
use super::health::{Health, Status};
use super::inbox::{Appetite, Inbox};
use super::job::{Drawn, Timings};
use super::pool::Resident;
use super::queue::units;
use super::recovery::recover;
use super::score::Judging;
use super::work::{Task, Work};
use crate::imaging::Picture;

/// How long a failed device rests before it is tried again.
const REST: Duration = Duration::from_secs(5);
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
    pub fn run(self, work: mpsc::UnboundedReceiver<Work>) {
        let mut inbox = Inbox::new(work);
        if let Err(reason) = contained(|| self.load()) {
            tracing::error!(reason, "the engine cannot start");
            self.status.set(Health::Failed(reason.clone()));
            return inbox.refuse_all(&reason);
        }
        self.status.set(Health::Ready);
        let appetite = Appetite::of(&self.device);
        while let Some(next) = inbox.next() {
            let works = match next {
                Work::Judge(judging) if judging.is_abandoned() => continue,
                Work::Judge(judging) => self.judge(judging) || self.recover(&mut inbox),
                Work::Draw(task) if task.is_abandoned() => continue,
                Work::Draw(task) => {
                    let tasks = inbox.beside(task, &appetite, self.tile);
                    self.serve(tasks) || self.recover(&mut inbox)
                }
                Work::Adopt { catalog, reply } => {
                    let adopted = self.adopt(catalog);
                    let works = adopted.is_ok();
                    // Whoever asked may have gone meanwhile.
                    let _ = reply.send(adopted);
                    works || self.recover(&mut inbox)
                }
                // Dropped when it is done, which tells who asked.
                Work::Prove(_done) => self.recover(&mut inbox),
            };
            if !works {
                return inbox.refuse_all("the device is lost");
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

    /// Draws tasks of one model, style and size together and answers them; whether the network did its work.
    fn serve(&self, mut tasks: Vec<Task>) -> bool {
        let start = Instant::now();
        let Some(first) = tasks.first() else { return true };
        let (resident, catalog, style) = (first.model.clone(), first.catalog.clone(), first.style.clone());
        // Their turn has come: others may wait in their places.
        tasks.iter_mut().for_each(|task| task.place = None);
        let model = &resident.model;
        let _in_its_span = (tasks.len() == 1).then(|| tasks[0].span.clone().entered());
        let drawn = contained(|| {
            catalog.prove_new(&resident, &self.status.beat)?;
            let photos: Vec<&Picture> = tasks.iter().map(|task| &*task.photo).collect();
            let drawn = draw::draw(model, &photos, &style, self.tile, (&self.device, &self.status.beat));
            drawn.map_err(|error| error.to_string())
        });
        match drawn {
            Ok((pictures, infer)) => {
                let weight = tasks.iter().map(|task| units(task.pixels())).fold(0, u32::saturating_add);
                self.status.pace.record(start.elapsed(), weight);
                metrics::histogram!("sakuga_batch_pictures").record(tasks.len() as f64);
                for (task, picture) in tasks.into_iter().zip(pictures) {
                    self.status.count_drawn();
                    let timings = Timings { queue: start - task.queued, infer };
                    let name = model.card().name.clone();
                    metrics::counter!("sakuga_pictures_total", "model" => name.clone()).increment(1);
                    metrics::counter!("sakuga_pixels_total", "model" => name).increment(task.pixels());
                    task.answer(Ok(Drawn { picture, weights_hash: model.weights_hash().to_owned(), timings }));
                }
                true
            }
            // One of them may be to blame: the others shall not pay for it.
            Err(reason) if tasks.len() > 1 => {
                tracing::warn!(model = model.card().name, reason, pictures = tasks.len(), "drawing one by one");
                let alone: Vec<bool> = tasks.into_iter().map(|task| self.serve(vec![task])).collect();
                !alone.contains(&false)
            }
            Err(reason) => {
                tracing::error!(model = model.card().name, reason, "a forward pass failed");
                self.status.count_failure();
                catalog.put_away_unproved(&resident);
                for task in tasks {
                    task.answer(Err(EngineError::Forward(reason.clone())));
                }
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

    fn recover(&self, inbox: &mut Inbox) -> bool {
        let prove = || contained(|| self.prove());
        recover(&self.status, REST, prove, |reason| inbox.refuse_waiting(reason))
    }

    fn prove(&self) -> Result<(), String> {
        let prove = |resident: &Arc<Resident>| draw::warm_up(&resident.model, &self.device, &self.status.beat);
        self.catalog().residents().iter().try_for_each(prove).map_err(|error| error.to_string())
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
