//! What is counted and measured, for Prometheus. No label holds what a client
//! wrote: routes are patterns, models are names of cards.

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::engine::Engine;

/// Upper bounds of the classes of times, in seconds.
const TIMES: [f64; 13] = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];

/// Upper bounds of the classes of batches, in pictures.
const PICTURES: [f64; 5] = [1.0, 2.0, 4.0, 8.0, 16.0];

/// The process's metrics, written out on request; cheap to clone.
#[derive(Clone)]
pub struct Metrics(Option<PrometheusHandle>);

impl Metrics {
    /// The metrics of this process, gathered from the first call on.
    pub fn install() -> Self {
        static METRICS: OnceLock<Metrics> = OnceLock::new();
        METRICS.get_or_init(Self::new).clone()
    }

    fn new() -> Self {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &TIMES)
            .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_pictures".into()), &PICTURES))
            .and_then(|builder| builder.install_recorder());
        match &recorder {
            Ok(_) => describe(),
            Err(error) => tracing::error!(%error, "there will be no metrics"),
        }
        Self(recorder.ok())
    }

    /// Everything in Prometheus's text format, with how the service is by now.
    pub fn render(&self, engine: &Engine, ready: bool) -> String {
        gauge!("sakuga_queue_depth").set(engine.waiting() as f64);
        gauge!("sakuga_ready").set(f64::from(u8::from(ready)));
        let catalog = engine.catalog();
        let (models, bytes) = catalog.in_memory();
        gauge!("sakuga_models_loaded").set(models as f64);
        gauge!("sakuga_model_bytes").set(bytes as f64);
        if let Some(bytes) = catalog.device_memory() {
            gauge!("sakuga_device_memory_bytes").set(bytes as f64);
        }
        counter!("sakuga_forward_failures_total").absolute(engine.failures());
        counter!("sakuga_device_proofs_total").absolute(engine.proofs());
        self.0.as_ref().map(PrometheusHandle::render).unwrap_or_default()
    }
}

fn describe() {
    describe_counter!("sakuga_requests_total", "Requests, by route, method and status; gone: the client went first");
    describe_histogram!("sakuga_request_seconds", "From a request's headers to its answer's, by route");
    describe_gauge!("sakuga_requests_in_flight", "Requests whose answer is not ready yet");
    describe_gauge!("sakuga_queue_depth", "Pictures that wait to be drawn");
    describe_gauge!("sakuga_ready", "Whether new work is taken");
    describe_histogram!("sakuga_stage_seconds", "Time of a picture's stages: decode, queue, infer, encode");
    describe_histogram!("sakuga_batch_pictures", "Pictures that were drawn in one pass together");
    describe_counter!("sakuga_pictures_total", "Pictures drawn, by model");
    describe_counter!("sakuga_pixels_total", "Pixels drawn, as the network sees them, by model");
    describe_gauge!("sakuga_device_memory_bytes", "Memory in use: of the GPU, or of the process where the CPU draws");
    describe_gauge!("sakuga_models_loaded", "Models in memory");
    describe_gauge!("sakuga_model_bytes", "Memory of their weights, as in f32");
    describe_counter!("sakuga_forward_failures_total", "Forward passes that failed, panics included");
    describe_counter!("sakuga_device_proofs_total", "Forward passes that proved the device while it was idle");
    describe_counter!("sakuga_panics_total", "Panics that were contained, by place");
    describe_counter!("sakuga_reloads_total", "Times that the models were read again, by outcome: done, or failed");
    // Present from the start, so that an alert on them can tell 0 from nothing.
    for place in ["engine", "handler", "picture"] {
        counter!("sakuga_panics_total", "place" => place).increment(0);
    }
    for outcome in ["done", "failed"] {
        counter!("sakuga_reloads_total", "outcome" => outcome).increment(0);
    }
}

/// Counts a panic that was contained in `place`.
pub fn panic(place: &'static str) {
    counter!("sakuga_panics_total", "place" => place).increment(1);
}

/// Measures a stage of a picture.
pub fn stage(stage: &'static str, took: Duration) {
    histogram!("sakuga_stage_seconds", "stage" => stage).record(took);
}
