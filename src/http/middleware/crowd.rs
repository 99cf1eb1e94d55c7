//! Over the connection limit only the probes are answered, so that a full
//! service does not look like a dead one.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;

use crate::http::problem::Problem;
use crate::http::routes::health;

/// Marks the requests of a connection over the limit.
#[derive(Clone, Copy, Debug)]
pub struct OverLimit {
    /// The limit in force.
    pub max_connections: usize,
}

/// Answers 503 to a request over the limit, unless it is a probe.
pub async fn crowd(request: Request, next: Next) -> Result<Response, Problem> {
    match request.extensions().get::<OverLimit>() {
        Some(OverLimit { max_connections }) if !health::PATHS.contains(&request.uri().path()) => {
            Err(Problem::unavailable(format!("all {max_connections} connections are in use; ask again in a moment")))
        }
        _ => Ok(next.run(request).await),
    }
}
