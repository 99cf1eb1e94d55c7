//! The service as its users meet it: the real binary on a free port, real
//! requests, and what must happen when they are wrong.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod http {
    mod access;
    mod assets;
    mod busy;
    mod dashboard;
    mod errors;
    mod harness;
    mod imported;
    mod json;
    mod lifecycle;
    mod metrics;
    mod models;
    mod openapi;
    mod pictures;
    mod raw;
    mod same;
    mod score;
    mod several;
    mod sheet;
    mod slow;
    mod stylize;
    mod tiny;
}
