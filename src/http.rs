//! The service: HTTP in front of the [`engine`](crate::engine).
//!
//! # Layout
//!
//! * [`server`]: the accept loop: connection cap, header timeout, graceful stop;
//!   `edge`: what is no HTTP yet; `client`: who asks.
//! * [`mod@router`]: routes and middleware, in the order in which they act.
//! * `routes`: one file a route. `middleware`: one file a middleware.
//! * `intake`: a request's photos and parameters, from its parts: [`body`],
//!   [`multipart`], `inference` (JSON), [`params`], [`negotiate`].
//! * `drawing`: a photo's way to its picture; `flights`: only once for all who
//!   ask for the same; `answer`: pictures as they are sent.
//! * [`problem`]: every error, and the policy which error is which status.
//! * [`limits`], [`memory`]: what a request may take.
//! * [`metrics`]: what is counted and measured, for Prometheus.
//! * [`keys`]: who may ask; `openapi`: the contract.
//! * [`shutdown`], [`mod@reload`]: the signals that stop the process, and that renew its models.

mod answer;
pub mod body;
mod client;
mod drawing;
mod edge;
mod flights;
mod inference;
mod intake;
pub mod keys;
pub mod limits;
pub mod memory;
pub mod metrics;
mod middleware;
pub mod multipart;
pub mod negotiate;
mod openapi;
pub mod params;
pub mod problem;
pub mod reload;
pub mod router;
mod routes;
pub mod server;
pub mod shutdown;
mod stall;

pub use limits::Limits;
pub use router::router;
pub use server::serve;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::engine::{Engine, EngineError};
use flights::{Cache, Flights};
use keys::Keys;
use memory::Memory;
use metrics::Metrics;
use middleware::rate::Rate;
use problem::Problem;

/// What every route shares; cheap to clone.
#[derive(Clone)]
pub struct Service {
    engine: Engine,
    limits: Arc<Limits>,
    memory: Memory,
    metrics: Metrics,
    flights: Flights,
    cache: Cache,
    leaving: Arc<AtomicBool>,
    keys: Option<Keys>,
    rate: Option<Arc<Rate>>,
}

impl Service {
    /// A service that draws with `engine` within `limits`.
    pub fn new(engine: Engine, limits: Limits) -> Self {
        Self {
            engine,
            memory: Memory::default(),
            metrics: Metrics::install(),
            flights: Flights::default(),
            cache: Cache::new(limits.cache.0),
            rate: limits.rate.map(|a_minute| Arc::new(Rate::new(a_minute))),
            limits: Arc::new(limits),
            leaving: Arc::default(),
            keys: None,
        }
    }

    /// The same, but only for clients that show one of these keys.
    #[must_use]
    pub fn with_keys(self, keys: Option<Keys>) -> Self {
        Self { keys, ..self }
    }

    /// Whether new work should be sent here.
    fn ready(&self) -> Result<(), Problem> {
        match self.leaving.load(Relaxed) {
            true => Err(EngineError::Draining.into()),
            false => Ok(self.engine.enter().map(drop)?),
        }
    }

    /// Says from now on that no new work should be sent here.
    fn leave(&self) {
        self.leaving.store(true, Relaxed);
    }
}
