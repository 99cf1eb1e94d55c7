//! What a command line says of itself: completions for shells, and man pages.

use anyhow::{Context, Result};
use clap::{Args, Command};
use clap_complete::Shell;
use std::io::Write;
use std::path::PathBuf;

/// Print the completions for a shell.
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// The shell to complete for
    #[arg(value_enum)]
    shell: Shell,
}

/// Write the man pages into a folder, one for each command.
#[derive(Args, Debug)]
pub struct ManArgs {
    /// Where to; made if it is missing
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Prints the completions of `command`.
///
/// # Errors
/// Where the output is closed early.
pub fn completions(mut command: Command, args: &CompletionsArgs) -> Result<()> {
    let name = command.get_name().to_owned();
    // Made as a whole first: the generator itself would panic on a closed pipe.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    Ok(std::io::stdout().write_all(&script)?)
}

/// Writes the man pages of `command` and its subcommands.
///
/// # Errors
/// Where the folder cannot be written.
pub fn man(command: Command, args: &ManArgs) -> Result<()> {
    let folder = args.folder.display();
    std::fs::create_dir_all(&args.folder).with_context(|| format!("cannot make the folder {folder}"))?;
    clap_mangen::generate_to(command, &args.folder).with_context(|| format!("cannot write man pages into {folder}"))
}
