//! The command line of `sakuga-train`.

use super::{check, eval, fit, looks, manual, publish, recipe};
use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};

/// Train the generators that `sakuga` serves.
#[derive(Parser, Debug)]
#[command(name = "sakuga-train", version, arg_required_else_help = true)]
pub struct TrainCli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Render a target look: file to file, or folder to folder
    Looks(looks::LooksArgs),
    /// Read a data folder and report every pair that would spoil a run
    Check(check::CheckArgs),
    /// Train a generator on pairs, or on photos and a look
    Fit(Box<fit::FitArgs>),
    /// Print a recipe: a built-in one, or one from another trainer's options
    Recipe(recipe::RecipeArgs),
    /// Make a finished run a model, ready to serve
    Publish(publish::PublishArgs),
    /// Measure a model over a folder of pairs
    Eval(eval::EvalArgs),
    /// Print the completions for a shell
    Completions(manual::CompletionsArgs),
    /// Write the man pages into a folder
    Man(manual::ManArgs),
}

/// Runs what the command line says.
///
/// # Errors
/// The command's own.
pub fn run(cli: TrainCli) -> Result<()> {
    match cli.command {
        Command::Looks(args) => looks::run(args),
        Command::Check(args) => check::run(args),
        Command::Fit(args) => fit::run(*args),
        Command::Recipe(args) => recipe::run(args),
        Command::Publish(args) => publish::run(args),
        Command::Eval(args) => eval::run(args),
        Command::Completions(args) => manual::completions(TrainCli::command(), &args),
        Command::Man(args) => manual::man(TrainCli::command(), &args),
    }
}
