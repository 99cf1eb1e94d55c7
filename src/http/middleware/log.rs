//! One line a request: never a file name, a parameter or a pixel.

use std::time::Instant;

use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Instrument, Span};

use super::request_id::RequestId;
use super::trace::parent;

/// Logs the request when its answer is ready, or when its client has gone.
pub async fn log(request: Request, next: Next) -> Response {
    let mut line = Line {
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
        id: request.extensions().get::<RequestId>().map(|RequestId(id)| id.clone()).unwrap_or_default(),
        span: Span::none(),
        start: Instant::now(),
        status: None,
    };
    // What is logged on the way bears the request's names too.
    let span = tracing::info_span!("request", id = line.id, trace = tracing::field::Empty);
    let parent = parent(request.headers());
    if let Some(parent) = parent {
        span.record("trace", parent.trace);
    }
    #[cfg(feature = "otlp")]
    super::span::begin(&span, &request, parent.as_ref());
    line.span = span.clone();
    let response = next.run(request).instrument(span).await;
    #[cfg(feature = "otlp")]
    super::span::end(&line.span, &response);
    line.status = Some(response.status());
    response
}

/// Written when dropped, so that no request goes without.
struct Line {
    method: Method,
    path: String,
    id: String,
    span: Span,
    start: Instant,
    status: Option<StatusCode>,
}

impl Drop for Line {
    fn drop(&mut self) {
        let Self { method, path, .. } = self;
        let _in_its_span = self.span.enter();
        let ms = self.start.elapsed().as_secs_f64() * 1e3;
        match self.status {
            Some(status) => tracing::info!(%method, path, status = status.as_u16(), ms, "answered"),
            None => tracing::info!(%method, path, ms, "the client has gone"),
        }
    }
}
