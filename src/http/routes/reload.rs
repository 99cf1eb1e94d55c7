//! `POST /v1/models:reload`: the cards and weights are read again. Only where the
//! service has keys: who shows one may; elsewhere the process's SIGHUP does it.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::engine::Reloaded;
use crate::http::problem::Problem;
use crate::http::{Service, reload};

/// Loads what has changed, and says what that was.
///
/// # Errors
/// 403 without keys, 503 while starting, 500 where a model fails and the old ones stay.
pub async fn reload(State(service): State<Service>) -> Result<Json<Value>, Problem> {
    if service.keys.is_none() {
        let detail = "this service has no keys to tell its operator by: start it with --api-keys, or send it SIGHUP";
        return Err(Problem::forbidden(detail));
    }
    let Reloaded { loaded, kept, removed } = reload::reload(&service.engine).await?;
    Ok(Json(json!({ "loaded": loaded, "kept": kept, "removed": removed })))
}
