//! The service as its users meet it: the real binary on a free port, real
//! requests, and what must happen when they are wrong.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod http {
    mod access;
    mod assets;
    mod busy;
    mod dashboard;
    mod device;
    mod edge;
    mod errors;
    mod harness;
    mod imported;
    mod json;
    mod lifecycle;
    mod many;
    mod metrics;
    mod models;
    mod openapi;
    #[cfg(feature = "otlp")]
    mod otlp;
    mod pictures;
    #[cfg(target_os = "linux")]
    mod promises;
    mod provenance;
    mod rate;
    mod raw;
    mod reload;
    mod same;
    mod score;
    mod several;
    mod sheet;
    mod slow;
    mod stylize;
    mod tiny;
}
