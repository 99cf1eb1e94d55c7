//! The networks against PyTorch: values, gradients, gradients of gradients.
//!
//! Each file of numbers under `golden/` is the Python script that made it, so
//! the definition stands above its results. `formula.py` and
//! [`numbers`] build the same weights and inputs from integers, exactly.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "golden/numbers.rs"]
mod numbers;

#[path = "golden/anime.rs"]
mod anime;
#[path = "golden/import.rs"]
mod import;
#[path = "golden/losses.rs"]
mod losses;
#[path = "golden/nets.rs"]
mod nets;
#[path = "golden/ops.rs"]
mod ops;
#[path = "golden/oracle.rs"]
mod oracle;
