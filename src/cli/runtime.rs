//! The flags that every command that draws has: which models, on what.

use std::path::PathBuf;

use clap::Args;

use super::threads;
use crate::engine::EngineConfig;
use crate::models::{DeviceChoice, Precision, Registry};

/// Where the models are and what they run on.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Models and device")]
pub struct RuntimeArgs {
    /// Folder of the models' cards [default: models, else beside the program, else built in]
    #[arg(long, env = "SAKUGA_MODELS", value_name = "DIR")]
    pub models: Option<PathBuf>,
    /// Where to compute: auto (a GPU if there is one), cpu, cuda or cuda:N
    #[arg(long, env = "SAKUGA_DEVICE", value_name = "DEVICE", default_value_t)]
    pub device: DeviceChoice,
    /// How numbers are kept on the way through a network: auto (what is fastest; on a GPU bf16), f32 or bf16 (16 bits,
    /// summed in 32)
    #[arg(long, env = "SAKUGA_PRECISION", default_value_t)]
    pub precision: Precision,
    /// Processor cores to compute on [default: all]
    #[arg(long, env = "SAKUGA_THREADS", value_name = "N")]
    pub threads: Option<usize>,
}

impl RuntimeArgs {
    /// Sets the number of threads, finds the models and opens the device:
    /// what an engine needs, and how to name the device to people.
    ///
    /// # Errors
    /// Where there is no sound model, or the device or the precision cannot
    /// be had.
    pub fn config(&self) -> anyhow::Result<(EngineConfig, String)> {
        threads::use_threads(self.threads)?;
        let registry = Registry::open(self.models.as_deref())?;
        let (device, name) = self.device.open().map_err(anyhow::Error::msg)?;
        Ok((EngineConfig { precision: self.precision, ..EngineConfig::new(registry, device) }, name))
    }
}
