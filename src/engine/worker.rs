//! The engine's thread: loads the models, warms them up, and draws.

use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use candle_core::Device;
use tokio::sync::{mpsc, oneshot};

use super::draw;
use super::error::EngineError;
use super::health::{Health, Status};
use super::job::{Drawn, Plan, Timings};
use crate::imaging::Picture;
use crate::models::{Model, Precision, Registry, Style};

/// How long a failed device rests before it is tried again.
const REST: Duration = Duration::from_secs(5);

/// A job as it lies in the queue.
pub(super) struct Task {
    model: String,
    photo: Arc<Picture>,
    style: Style,
    reply: oneshot::Sender<Result<Drawn, EngineError>>,
    queued: Instant,
}

impl Task {
    /// A task of drawing what `plan` says.
    pub fn new(plan: &Plan, reply: oneshot::Sender<Result<Drawn, EngineError>>) -> Self {
        let (model, photo, style) = (plan.model.clone(), plan.photo.clone(), plan.style.clone());
        Self { model, photo, style, reply, queued: Instant::now() }
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
    registry: Arc<Registry>,
    models: HashMap<String, Model>,
    device: Device,
    precision: Precision,
    tile: usize,
    status: Arc<Status>,
}

impl Worker {
    pub fn new(
        registry: Arc<Registry>,
        (device, precision): (Device, Precision),
        tile: usize,
        status: Arc<Status>,
    ) -> Self {
        Self { registry, models: HashMap::new(), device, precision, tile, status }
    }

    /// Runs until the last handle is gone.
    pub fn run(mut self, mut tasks: mpsc::Receiver<Task>) {
        if let Err(reason) = contained(|| self.load()) {
            tracing::error!(reason, "the engine cannot start");
            self.status.set(Health::Failed(reason.clone()));
            while let Some(task) = tasks.blocking_recv() {
                task.answer(Err(EngineError::Failed(reason.clone())));
            }
            return;
        }
        self.status.set(Health::Ready);
        while let Some(task) = tasks.blocking_recv() {
            if task.reply.is_closed() {
                continue;
            }
            if !self.serve(task) {
                self.recover(&mut tasks);
            }
        }
    }

    /// Loads every model and proves each with a forward pass.
    fn load(&mut self) -> Result<(), String> {
        let names: Vec<_> = self.registry.cards().map(|card| card.name.clone()).collect();
        if names.is_empty() {
            return Err("there is no model to serve; put a card into the models folder".into());
        }
        for name in names {
            let start = Instant::now();
            let model = self.registry.load(&name, &self.device, self.precision).map_err(|error| error.to_string())?;
            draw::warm_up(&model, &self.device).map_err(|error| format!("the model `{name}` fails: {error}"))?;
            tracing::info!(
                model = name,
                with = model.instructions(),
                ms = start.elapsed().as_millis() as u64,
                "loaded"
            );
            self.models.insert(name, model);
        }
        Ok(())
    }

    /// Draws one task and answers it; whether the network did its work.
    fn serve(&self, task: Task) -> bool {
        let start = Instant::now();
        let Some(model) = self.models.get(&task.model) else {
            let reason = format!("the model `{}` is not loaded", task.model);
            task.answer(Err(EngineError::Failed(reason)));
            return true;
        };
        let drawn = contained(|| {
            let drawn = draw::draw(model, &task.photo, &task.style, self.tile, &self.device);
            drawn.map_err(|error| error.to_string())
        });
        match drawn {
            Ok((rgb, infer)) => {
                self.status.pace.record(start.elapsed());
                self.status.count_drawn();
                let timings = Timings { queue: start - task.queued, infer };
                let weights_hash = model.weights_hash().to_owned();
                task.answer(Ok(Drawn { rgb, weights_hash, timings }));
                true
            }
            Err(reason) => {
                tracing::error!(model = task.model, reason, "a forward pass failed");
                self.status.count_failure();
                task.answer(Err(EngineError::Forward(reason)));
                false
            }
        }
    }

    /// After a failure: was it that picture, or is the device lost? A lost one
    /// is unready until a forward pass succeeds again.
    fn recover(&self, tasks: &mut mpsc::Receiver<Task>) {
        while let Err(reason) = contained(|| self.prove()) {
            tracing::error!(reason, "the device fails");
            self.status.set(Health::Failed(reason.clone()));
            while let Ok(task) = tasks.try_recv() {
                task.answer(Err(EngineError::Failed(reason.clone())));
            }
            if tasks.is_closed() {
                return;
            }
            std::thread::sleep(REST);
        }
        self.status.set(Health::Ready);
    }

    fn prove(&self) -> Result<(), String> {
        self.models.values().try_for_each(|model| draw::warm_up(model, &self.device)).map_err(|error| error.to_string())
    }
}

/// Runs `work`, and turns a panic inside it into its message.
fn contained<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    // The models are only read and a half-made tensor is dropped: nothing that
    // a panic could leave torn is used again.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(message(panic.as_ref())))
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
