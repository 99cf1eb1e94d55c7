//! What the engine's thread is asked for.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;

use super::catalog::Catalog;
use super::error::EngineError;
use super::job::{Drawn, Plan};
use super::pool::Resident;
use super::queue::Place;
use super::score::Judging;
use crate::imaging::Picture;
use crate::models::Style;

/// One of its orders.
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
    pub catalog: Arc<Catalog>,
    pub model: Arc<Resident>,
    pub photo: Arc<Picture>,
    pub style: Style,
    reply: oneshot::Sender<Result<Drawn, EngineError>>,
    pub queued: Instant,
    pub place: Option<Arc<Place>>,
    /// The request's, so that what is logged here bears its id.
    pub span: tracing::Span,
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

    pub fn pixels(&self) -> u64 {
        u64::from(self.photo.width) * u64::from(self.photo.height)
    }

    /// Whether nobody waits for it any more.
    pub fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    pub fn answer(self, answer: Result<Drawn, EngineError>) {
        let Self { photo, reply, .. } = self;
        // Before the answer, so that the caller holds the only share.
        drop(photo);
        // The requester may have gone meanwhile: nobody is there to tell.
        let _ = reply.send(answer);
    }
}

impl Work {
    /// Answers that it cannot be done.
    pub fn refuse(self, reason: &str) {
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
