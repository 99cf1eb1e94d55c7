//! `sakuga-train check`.

use crate::train::dataset::{Contents, inspect};
use anyhow::{Result, bail};
use clap::Args;
use indicatif::ProgressBar;
use std::path::PathBuf;

/// Read a data folder and report every pair that would spoil a run.
#[derive(Args, Debug)]
#[command(after_help = "Reported are files without a partner, pairs of two sizes, files that cannot be decoded, \
    pictures of one colour, and pairs that are there twice. A pair that is twice in one split is only a note; \
    in two splits, a run would be measured on what it has learned.")]
pub struct CheckArgs {
    /// The folder: A|B side by side in {train,val,test}/, or A/{train,val,test} and B/{train,val,test}
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// The folder holds photos alone, for `fit --look`
    #[arg(long)]
    photos: bool,
}

/// Runs the command.
///
/// # Errors
/// When the folder cannot be read, or something in it would spoil a run.
pub fn run(args: CheckArgs) -> Result<()> {
    let contents = if args.photos { Contents::Photos } else { Contents::Pairs };
    let what = if args.photos { "photos" } else { "pairs" };
    let bar = ProgressBar::new(0).with_style(super::progress::counted(what));
    let inspection = inspect(&args.dir, contents, &bar)?;
    bar.finish_and_clear();
    for finding in &inspection.findings {
        println!("{}: {}", if finding.spoils { "spoils" } else { "note" }, finding.text);
    }
    let counts: Vec<_> = inspection.counts.iter().map(|(split, count)| format!("{split} {count}")).collect();
    println!("{what} read: {}", if counts.is_empty() { "none".to_owned() } else { counts.join(", ") });
    match inspection.spoiling() {
        0 => Ok(()),
        count => bail!(
            "{count} of {} findings in {} would spoil a run: mend or remove what they name",
            inspection.findings.len(),
            args.dir.display()
        ),
    }
}
