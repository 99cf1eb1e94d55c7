//! `GET /metrics`: the service in numbers, for Prometheus.

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use crate::http::Service;

/// Prometheus's text format.
pub async fn metrics(State(service): State<Service>) -> impl IntoResponse {
    let text = service.metrics.render(&service.engine, service.ready().is_ok());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}
