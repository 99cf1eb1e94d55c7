//! The service: HTTP in front of the [`engine`](crate::engine).
//!
//! # Layout
//!
//! * [`server`]: the accept loop: connection cap, header timeout, graceful stop.
//! * [`mod@router`]: routes and middleware, in the order in which they act.
//! * `routes`: one file a route. `middleware`: one file a middleware.
//! * [`body`], [`multipart`], [`params`], [`negotiate`]: a request's parts.
//! * [`problem`]: every error, and the policy which error is which status.
//! * [`limits`], [`memory`]: what a request may take.
//! * [`shutdown`]: the signals that stop the process.

pub mod body;
pub mod limits;
pub mod memory;
mod middleware;
pub mod multipart;
pub mod negotiate;
pub mod params;
pub mod problem;
pub mod router;
mod routes;
pub mod server;
pub mod shutdown;
mod stall;

pub use limits::Limits;
pub use router::router;
pub use server::serve;

use std::sync::Arc;

use crate::engine::Engine;
use memory::Memory;

/// What every route shares; cheap to clone.
#[derive(Clone)]
pub struct Service {
    engine: Engine,
    limits: Arc<Limits>,
    memory: Memory,
}

impl Service {
    /// A service that draws with `engine` within `limits`.
    pub fn new(engine: Engine, limits: Limits) -> Self {
        Self { engine, limits: Arc::new(limits), memory: Memory::default() }
    }
}
