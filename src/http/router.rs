//! The routes, and what happens around each of them.

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

use super::Service;
use super::middleware::{catch_panic, crowd, host, linger, log, request_id, secure};
use super::problem::Problem;
use super::routes::{assets, health, models, stylize};

/// The service as a router. A layer acts on a request before those above it.
pub fn router(service: Service) -> Router {
    Router::new()
        .route("/v1/stylize", post(stylize::stylize))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{name}", get(models::one))
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/v2/health/live", get(health::live))
        .route("/v2/health/ready", get(health::ready))
        .fallback(assets::asset)
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .with_state(service)
        .layer(from_fn(crowd::crowd))
        .layer(from_fn(host::host))
        .layer(from_fn(linger::linger))
        .layer(CatchPanicLayer::custom(catch_panic::answer))
        .layer(from_fn(log::log))
        .layer(from_fn(secure::secure))
        .layer(from_fn(request_id::request_id))
}
