//! A panic in a handler is that request's 500, and nobody else's.

use std::any::Any;

use axum::response::{IntoResponse, Response};

use crate::http::metrics;
use crate::http::problem::Problem;

/// The answer to a panic; the panic's own hook has logged where it was.
pub fn answer(_panic: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a handler panicked");
    metrics::panic("handler");
    Problem::internal().into_response()
}
