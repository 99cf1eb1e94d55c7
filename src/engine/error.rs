//! Why a job was not drawn.

use std::time::Duration;

/// Why a job was not drawn. Every message says what to do next.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EngineError {
    /// The queue is full.
    #[error("too many pictures are waiting; ask again in {} s", .retry_after.as_secs().max(1))]
    Busy {
        /// When a place is likely to be free, from the pace of the last jobs.
        retry_after: Duration,
    },
    /// No card has this name.
    #[error("there is no model `{name}`; the models are {}", list(.names))]
    UnknownModel {
        /// The name asked for.
        name: String,
        /// The names there are.
        names: Vec<String>,
    },
    /// No model was named, and none of them is the default.
    #[error("`model` must name a model; the models are {}", list(.names))]
    NoDefault {
        /// The names there are.
        names: Vec<String>,
    },
    /// A setting that this model, or any, cannot follow.
    #[error("`{name}` {problem}")]
    BadParameter {
        /// The parameter.
        name: &'static str,
        /// What is wrong with it and what is allowed.
        problem: String,
    },
    /// The models are still being loaded.
    #[error("the models are still being loaded; ask again in a moment")]
    Starting,
    /// The engine is stopping.
    #[error("the service is stopping and takes no new work")]
    Draining,
    /// The engine cannot draw at all: a model did not load, or the device fails.
    #[error("{0}")]
    Failed(String),
    /// This model cannot be loaded any more; the others can.
    #[error("the model `{name}` cannot be loaded at the moment; choose another one")]
    Unavailable {
        /// The model's name.
        name: String,
    },
    /// The models could not be loaded again; the old ones are still at work.
    #[error("the models stay as they are: {0}")]
    Reload(String),
    /// This one job failed inside the network; the next may succeed.
    #[error("the network failed on this picture: {0}")]
    Forward(String),
}

/// `a`, `b`, `c`, or a word for none.
pub(super) fn list(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    }
}
