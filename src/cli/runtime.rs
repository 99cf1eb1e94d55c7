//! The flags that every command that draws has: which models, on what.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::threads;
use crate::engine::EngineConfig;
use crate::models::{DeviceChoice, Registry};

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
    /// How numbers are kept on the way through a network
    #[arg(long, env = "SAKUGA_PRECISION", value_enum, default_value_t)]
    pub precision: Precision,
    /// Processor cores to compute on [default: all]
    #[arg(long, env = "SAKUGA_THREADS", value_name = "N")]
    pub threads: Option<usize>,
}

/// What `--precision` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    /// What suits the device
    #[default]
    Auto,
    /// 32 bits: the exact way
    F32,
    /// 16 bits, brain floating point: faster where the device has it
    Bf16,
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
        if self.precision == Precision::Bf16 {
            anyhow::bail!("the networks don't run in bf16 yet: use --precision f32 or leave it out");
        }
        Ok((EngineConfig::new(registry, device), name))
    }
}
