//! The command lines of `sakuga` and `sakuga-train`: flags, and one file a command.

pub mod exit;
pub mod fit;
pub mod looks;
pub mod progress;
pub mod publish;
pub mod threads;
