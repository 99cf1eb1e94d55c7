//! Spans to an OpenTelemetry collector.

use std::time::Duration;

use anyhow::Context;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

/// The longest that one batch of spans may take: a collector that hangs must not hold up the end of the process.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The way to a collector. Spans are gathered and sent from a thread of their own; what is still to be sent is when this
/// is dropped.
pub struct Spans(SdkTracerProvider);

impl Spans {
    /// To the collector at this address, without its `/v1/traces`.
    pub fn to(address: &str) -> anyhow::Result<Self> {
        let endpoint = format!("{}/v1/traces", address.trim_end_matches('/'));
        let exporter = SpanExporter::builder().with_http().with_endpoint(endpoint).with_timeout(TIMEOUT).build();
        let exporter = exporter.with_context(|| format!("cannot send spans to {address}; name an http:// address"))?;
        let resource = Resource::builder().with_service_name("sakuga").build();
        Ok(Self(SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build()))
    }

    /// What takes the spans.
    pub fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(&self) -> impl Layer<S> + use<S> {
        tracing_opentelemetry::layer().with_tracer(self.0.tracer("sakuga"))
    }
}

impl Drop for Spans {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(%error, "some spans were not sent");
        }
    }
}
