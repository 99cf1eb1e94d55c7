//! The command lines of `sakuga` and `sakuga-train`: flags, and one file a command.

pub mod at_test;
pub mod check;
pub mod eval;
pub mod exit;
pub mod export;
pub mod fit;
pub mod health;
pub mod import;
pub mod logging;
pub mod looks;
pub mod manual;
pub mod models;
pub mod progress;
pub mod publish;
pub mod recipe;
pub mod runtime;
pub mod serve;
pub mod service;
pub mod stylize;
pub mod threads;
pub mod train;
