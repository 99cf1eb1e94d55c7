//! Every request in the metrics: by route, method and status, and how long it took.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use metrics::{counter, gauge, histogram};

/// Counts the request when its answer is ready, or when its client has gone.
pub async fn measure(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    gauge!("sakuga_requests_in_flight").increment(1);
    let mut seen = Seen { route, method: method(request.method()), start: Instant::now(), status: None };
    let response = next.run(request).await;
    seen.status = Some(response.status());
    response
}

/// Counted when dropped, so that no request goes without.
struct Seen {
    route: Option<MatchedPath>,
    method: &'static str,
    start: Instant,
    status: Option<StatusCode>,
}

impl Drop for Seen {
    fn drop(&mut self) {
        // The page's files, and all that is nowhere, are one route.
        let route = self.route.as_ref().map_or("/", MatchedPath::as_str).to_owned();
        let status = self.status.map_or("gone".to_owned(), |status| status.as_u16().to_string());
        gauge!("sakuga_requests_in_flight").decrement(1);
        histogram!("sakuga_request_seconds", "route" => route.clone()).record(self.start.elapsed());
        counter!("sakuga_requests_total", "route" => route, "method" => self.method, "status" => status).increment(1);
    }
}

/// A client may write any method: those that we don't know are one.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
