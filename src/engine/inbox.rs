//! What waits for the engine's thread, and the batches that it is drawn in.
//!
//! Nothing is ever waited for to fill a batch: pictures are drawn together when several of one kind wait already. The
//! oldest is always among them, so that none is overtaken for longer than the queue before it takes.

use std::collections::VecDeque;
use std::sync::Arc;

use candle_core::Device;
use tokio::sync::mpsc::UnboundedReceiver;

use super::draw;
use super::work::{Task, Work};

/// How much a device takes in one pass with gain.
pub(super) struct Appetite {
    pictures: usize,
    pixels: u64,
}

impl Appetite {
    /// A CPU is busy with one picture but for small ones, whose layers are too few rows to share; a GPU wants many.
    pub fn of(device: &Device) -> Self {
        match device.is_cpu() {
            true => Self { pictures: 4, pixels: 4 * 256 * 256 },
            false => Self { pictures: 16, pixels: 16 * 512 * 512 },
        }
    }
}

/// Orders in the order in which they came.
pub(super) struct Inbox {
    coming: UnboundedReceiver<Work>,
    waiting: VecDeque<Work>,
}

impl Inbox {
    pub fn new(coming: UnboundedReceiver<Work>) -> Self {
        Self { coming, waiting: VecDeque::new() }
    }

    /// The oldest order, once there is one; `None` when no more can come.
    pub fn next(&mut self) -> Option<Work> {
        self.waiting.pop_front().or_else(|| self.coming.blocking_recv())
    }

    /// `task` and those waiting that can be drawn in one pass with it.
    pub fn beside(&mut self, task: Task, appetite: &Appetite, tile: usize) -> Vec<Task> {
        self.collect();
        let each = task.pixels().max(1);
        let most = appetite.pictures.min((appetite.pixels / each) as usize);
        let mut tasks = vec![task];
        if !joins(&tasks[0], tile) {
            return tasks;
        }
        let mut i = 0;
        while tasks.len() < most && i < self.waiting.len() {
            let fits =
                matches!(&self.waiting[i], Work::Draw(other) if alike(&tasks[0], other) && !other.is_abandoned());
            match fits.then(|| self.waiting.remove(i)).flatten() {
                Some(Work::Draw(other)) => tasks.push(other),
                _ => i += 1,
            }
        }
        tasks
    }

    /// Answers all that waits by now that it cannot be done.
    pub fn refuse_waiting(&mut self, reason: &str) {
        self.collect();
        self.waiting.drain(..).for_each(|work| work.refuse(reason));
    }

    /// Answers whatever still comes, until no more can.
    pub fn refuse_all(&mut self, reason: &str) {
        while let Some(work) = self.next() {
            work.refuse(reason);
        }
    }

    fn collect(&mut self) {
        while let Ok(work) = self.coming.try_recv() {
            self.waiting.push_back(work);
        }
    }
}

/// Whether a task can share a pass at all: it is drawn whole, and by no chance of its own.
fn joins(task: &Task, tile: usize) -> bool {
    let size = (task.photo.width, task.photo.height);
    task.style.seed.is_none() && draw::pieces(task.model.model.card(), size, tile).len() == 1
}

/// Whether two tasks are of one model, style and size.
fn alike(a: &Task, b: &Task) -> bool {
    let size = |task: &Task| (task.photo.width, task.photo.height);
    Arc::ptr_eq(&a.model, &b.model) && a.style == b.style && size(a) == size(b)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::engine::catalog::Catalog;
    use crate::engine::job::Drawn;
    use crate::engine::{EngineError, Job};
    use crate::imaging::Picture;
    use crate::models::{Precision, Registry};
    use std::path::Path;
    use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
    use tokio::sync::oneshot;

    type Answer = oneshot::Receiver<Result<Drawn, EngineError>>;

    fn catalog() -> Arc<Catalog> {
        let registry = Registry::open(Some(Path::new("models"))).unwrap();
        Arc::new(Catalog::new(registry, (Device::Cpu, Precision::F32, u64::MAX)))
    }

    /// Orders a drawing of a photo of that size and shade.
    fn order(
        queue: &UnboundedSender<Work>,
        catalog: &Arc<Catalog>,
        (width, height): (u32, u32),
        style: &str,
        shade: u8,
    ) -> Answer {
        let photo = Picture { width, height, rgb: vec![shade; (width * height * 3) as usize], alpha: None };
        let job = Job {
            photo,
            model: None,
            style: Some(style.into()),
            strength: 1.0,
            seed: None,
            max_side: None,
            original_size: false,
        };
        let plan = catalog.plan(job).unwrap();
        let model = catalog.model(&plan.model).unwrap();
        let (reply, answer) = oneshot::channel();
        let task = Task::new(&plan, (catalog.clone(), model), reply, None);
        assert!(queue.send(Work::Draw(task)).is_ok());
        answer
    }

    /// The shades of the photos in the next pass.
    fn next(inbox: &mut Inbox, appetite: &Appetite) -> Vec<u8> {
        let Some(Work::Draw(task)) = inbox.next() else { panic!("no drawing was ordered") };
        inbox.beside(task, appetite, 1536).iter().map(|task| task.photo.rgb[0]).collect()
    }

    #[test]
    fn the_oldest_takes_its_like_along() {
        let (catalog, (queue, coming)) = (catalog(), unbounded_channel());
        let (small, other) = ((64, 48), (48, 64));
        let mut answers = vec![
            order(&queue, &catalog, small, "cel", 0),
            order(&queue, &catalog, other, "cel", 1),
            order(&queue, &catalog, small, "ink", 2),
            order(&queue, &catalog, small, "cel", 3),
            order(&queue, &catalog, small, "cel", 4),
            order(&queue, &catalog, small, "cel", 5),
            order(&queue, &catalog, other, "cel", 6),
        ];
        // Nobody waits for the fifth picture any more.
        drop(answers.remove(4));
        let (mut inbox, appetite) = (Inbox::new(coming), Appetite { pictures: 3, pixels: 1 << 30 });
        assert_eq!(next(&mut inbox, &appetite), [0, 3, 5]);
        assert_eq!(next(&mut inbox, &appetite), [1, 6], "those overtaken keep their order");
        assert_eq!(next(&mut inbox, &appetite), [2]);
        assert!(matches!(inbox.next(), Some(Work::Draw(task)) if task.is_abandoned()));
        drop(queue);
        assert!(inbox.next().is_none());
    }

    #[test]
    fn large_pictures_and_tiles_have_a_pass_of_their_own() {
        let (catalog, (queue, coming)) = (catalog(), unbounded_channel());
        let _answers: Vec<_> = (0..4).map(|shade| order(&queue, &catalog, (600, 500), "cel", shade)).collect();
        let mut inbox = Inbox::new(coming);
        assert_eq!(next(&mut inbox, &Appetite { pictures: 16, pixels: 500_000 }), [0], "too many pixels together");
        assert_eq!(next(&mut inbox, &Appetite { pictures: 16, pixels: 600_000 }), [1, 2]);
        let Some(Work::Draw(task)) = inbox.next() else { panic!("one more was ordered") };
        let _fifth = order(&queue, &catalog, (600, 500), "cel", 4);
        assert_eq!(inbox.beside(task, &Appetite { pictures: 16, pixels: 1 << 30 }, 512).len(), 1, "drawn in tiles");
    }
}
