//! `GET /openapi.json`: the contract. Its page, `/docs`, is among the assets.

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use crate::http::{Service, openapi};

/// The OpenAPI document, with the limits in force.
pub async fn document(State(service): State<Service>) -> Json<Value> {
    Json(openapi::document(&service.limits))
}
