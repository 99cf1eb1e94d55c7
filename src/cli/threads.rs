//! `--threads`: how many cores the kernels use.

use anyhow::{Context, Result};

/// Sets the size of the pool that every kernel runs on; `None` or 0: all cores.
///
/// # Errors
/// When the pool is already running, so that its size cannot change.
pub fn use_threads(threads: Option<usize>) -> Result<()> {
    let Some(threads) = threads.filter(|threads| *threads > 0) else { return Ok(()) };
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().context("cannot set the number of threads")
}
