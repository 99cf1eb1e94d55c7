//! The command line of `sakuga`.

use super::{export, health, import, manual, models, serve, stylize};
use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};

/// A photo goes in, an anime-styled picture comes out.
///
/// Without a command it serves, like `sakuga serve`.
#[derive(Parser, Debug)]
#[command(name = "sakuga", version, args_conflicts_with_subcommands = true)]
pub struct ServiceCli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::ServeArgs,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Answer photos over HTTP
    Serve(Box<serve::ServeArgs>),
    /// Ask a running service whether it is ready
    Health(health::HealthArgs),
    /// Draw photos from files into files
    Stylize(stylize::StylizeArgs),
    /// List the models that are there
    Models(models::ModelsArgs),
    /// Make a PyTorch checkpoint a model
    Import(import::ImportArgs),
    /// Make a model a file for PyTorch or ONNX Runtime
    Export(export::ExportArgs),
    /// Print the completions for a shell
    Completions(manual::CompletionsArgs),
    /// Write the man pages into a folder
    Man(manual::ManArgs),
}

/// Runs what the command line says.
///
/// # Errors
/// The command's own.
pub fn run(cli: ServiceCli) -> Result<()> {
    match cli.command {
        Some(Command::Serve(args)) => serve::run(*args),
        Some(Command::Health(args)) => health::run(args),
        Some(Command::Stylize(args)) => stylize::run(args),
        Some(Command::Models(args)) => models::run(args),
        Some(Command::Import(args)) => import::run(args),
        Some(Command::Export(args)) => export::run(args),
        Some(Command::Completions(args)) => manual::completions(ServiceCli::command(), &args),
        Some(Command::Man(args)) => manual::man(ServiceCli::command(), &args),
        None => serve::run(cli.serve),
    }
}
