//! The trainer's command line.

use clap::Parser;
use sakuga::cli::{exit, fit, publish, looks};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
enum C { Fit(Box<fit::FitArgs>), Publish(publish::PublishArgs), Looks(looks::LooksArgs) }
fn main() -> ExitCode {
    exit::code(match C::parse() { C::Fit(a) => fit::run(*a), C::Publish(a) => publish::run(a), C::Looks(a)=>looks::run(a) })
}
