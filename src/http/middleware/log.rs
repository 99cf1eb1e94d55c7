//! One line a request: never a file name, a parameter or a pixel.

use std::time::Instant;

use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use super::request_id::RequestId;

/// Logs the request when its answer is ready, or when its client has gone.
pub async fn log(request: Request, next: Next) -> Response {
    let mut line = Line {
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
        id: request.extensions().get::<RequestId>().map(|RequestId(id)| id.clone()).unwrap_or_default(),
        start: Instant::now(),
        status: None,
    };
    let response = next.run(request).await;
    line.status = Some(response.status());
    response
}

/// Written when dropped, so that no request goes without.
struct Line {
    method: Method,
    path: String,
    id: String,
    start: Instant,
    status: Option<StatusCode>,
}

impl Drop for Line {
    fn drop(&mut self) {
        let Self { method, path, id, .. } = self;
        let ms = self.start.elapsed().as_secs_f64() * 1e3;
        match self.status {
            Some(status) => tracing::info!(%method, path, status = status.as_u16(), ms, id, "answered"),
            None => tracing::info!(%method, path, ms, id, "the client has gone"),
        }
    }
}
