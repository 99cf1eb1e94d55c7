//! What OpenTelemetry is told of a request, by its semantic conventions for HTTP.

use axum::extract::Request;
use axum::response::Response;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::trace::Parent;

/// Makes `span` a part of the client's trace and says what is asked.
pub fn begin(span: &Span, request: &Request, parent: Option<&Parent<'_>>) {
    let ids = parent.and_then(|parent| {
        Some((TraceId::from_hex(parent.trace).ok()?, SpanId::from_hex(parent.span).ok()?, parent.sampled))
    });
    if let Some((trace, parent, sampled)) = ids {
        let flags = TraceFlags::default().with_sampled(sampled);
        let remote = SpanContext::new(trace, parent, flags, true, TraceState::default());
        // Only a span that nobody looks at has no place for a parent.
        let _ = span.set_parent(opentelemetry::Context::new().with_remote_span_context(remote));
    }
    span.set_attribute("http.request.method", request.method().to_string());
    span.set_attribute("url.path", request.uri().path().to_owned());
}

/// Says what was answered, and how long its stages took.
pub fn end(span: &Span, response: &Response) {
    span.set_attribute("http.response.status_code", i64::from(response.status().as_u16()));
    if let Some(stages) = response.headers().get("server-timing").and_then(|stages| stages.to_str().ok()) {
        span.set_attribute("sakuga.stages", stages.to_owned());
    }
}
