//! The service and its command line.

use clap::Parser;
use sakuga::cli::{exit, service};
use std::process::ExitCode;

/// Pictures are large and short-lived: mimalloc gives their memory back where
/// glibc's allocator keeps it (and reuses it faster).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    exit::code(service::run(service::ServiceCli::parse()))
}
