//! Where the service has API keys, everything under `/v1/` asks for one; the
//! probes, the metrics and the page don't.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::Service;
use crate::http::problem::Problem;

/// Answers 401 to a request without a key, before its body is read.
pub async fn key(State(service): State<Service>, request: Request, next: Next) -> Response {
    let guarded = request.uri().path().starts_with("/v1/") && request.method() != Method::OPTIONS;
    if guarded && service.keys.as_ref().is_some_and(|keys| !keys.admit(request.headers())) {
        let challenge = [(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))];
        return (challenge, Problem::unauthorized()).into_response();
    }
    next.run(request).await
}
