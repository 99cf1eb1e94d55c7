//! How a command ends: exit code 0, or 1 with one line that says why.
//! (clap itself answers wrong usage with 2.)

use anyhow::Result;
use std::process::ExitCode;

/// The exit code of a command's result; an error goes to stderr.
pub fn code(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
