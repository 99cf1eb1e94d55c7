//! The command lines of `sakuga` and `sakuga-train`: flags, and one file a command.

pub mod looks;
pub mod threads;
