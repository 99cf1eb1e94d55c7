//! The service as its users meet it: the real binary on a free port, real
//! requests, and what must happen when they are wrong.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod http {
    mod assets;
    mod busy;
    mod errors;
    mod harness;
    mod lifecycle;
    mod models;
    mod pictures;
    mod raw;
    mod slow;
    mod stylize;
    mod tiny;
}
