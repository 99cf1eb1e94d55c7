//! The routes, and what happens around each of them.

use axum::Router;
use axum::http::{HeaderName, Method, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::CorsLayer;

use super::middleware::{catch_panic, crowd, host, key, linger, log, measure, rate, request_id, secure};
use super::problem::Problem;
use super::routes::{assets, health, metrics, models, openapi, reload, score, sheet, stylize};
use super::{Limits, Service};

/// The service as a router. A layer acts on a request before those above it.
pub fn router(service: Service) -> Router {
    Router::new()
        .route("/v1/stylize", post(stylize::stylize))
        .route("/v1/score", post(score::score))
        .route("/v1/sheet", post(sheet::sheet))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{name}", get(models::one))
        .route("/v1/models:reload", post(reload::reload))
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/v2/health/live", get(health::live))
        .route("/v2/health/ready", get(health::ready))
        .route("/metrics", get(metrics::metrics))
        .route("/openapi.json", get(openapi::document))
        .fallback(assets::asset)
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .with_state(service.clone())
        .layer(from_fn_with_state(service.clone(), key::key))
        .layer(from_fn_with_state(service.clone(), rate::rate))
        .layer(cors(&service.limits))
        .layer(from_fn(crowd::crowd))
        .layer(from_fn(host::host))
        .layer(from_fn(linger::linger))
        .layer(CatchPanicLayer::custom(catch_panic::answer))
        .layer(from_fn(measure::measure))
        .layer(from_fn(log::log))
        .layer(from_fn(secure::secure))
        .layer(from_fn(request_id::request_id))
}

/// Which pages elsewhere may call the service: none, unless they are named.
fn cors(limits: &Limits) -> CorsLayer {
    const EXPOSED: [HeaderName; 5] = [
        header::ETAG,
        header::RETRY_AFTER,
        HeaderName::from_static("server-timing"),
        HeaderName::from_static("x-request-id"),
        HeaderName::from_static("x-sakuga-realism"),
    ];
    CorsLayer::new()
        .allow_origin(limits.cors_origins.clone())
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, HeaderName::from_static("x-api-key")])
        .expose_headers(EXPOSED)
}
