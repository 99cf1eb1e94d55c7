//! `GET /livez`: the process lives. `GET /readyz`: a real forward pass on the
//! device has succeeded and the service is not stopping. Also under the names
//! of the Open Inference Protocol.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::http::Service;
use crate::http::problem::Problem;

/// Where the probes are; they answer even when the service is full.
pub const PATHS: [&str; 4] = ["/livez", "/readyz", "/v2/health/live", "/v2/health/ready"];

/// Always 200.
pub async fn live() -> Json<Value> {
    Json(json!({ "status": "live" }))
}

/// 200 when work is taken.
///
/// # Errors
/// 503 while starting, failing or stopping.
pub async fn ready(State(service): State<Service>) -> Result<Json<Value>, Problem> {
    service.ready()?;
    Ok(Json(json!({ "status": "ready" })))
}
