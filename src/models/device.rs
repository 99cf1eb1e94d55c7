//! Which device to compute on.

use candle_core::{Device, Result};
use std::fmt;
use std::str::FromStr;

/// What `--device` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The first GPU if there is one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The GPU of that number; if it cannot be had, an error.
    Cuda(usize),
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => text
                .strip_prefix("cuda:")
                .and_then(|number| number.parse().ok())
                .map(Self::Cuda)
                .ok_or_else(|| format!("{text:?} is no device: use auto, cpu, cuda or cuda:N")),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

impl DeviceChoice {
    /// The device itself, and how to name it to people.
    ///
    /// # Errors
    /// When a GPU was asked for and cannot be had: says what is missing.
    pub fn open(self) -> std::result::Result<(Device, String), String> {
        match self {
            Self::Cpu => Ok((Device::Cpu, "cpu".into())),
            Self::Auto => match open_cuda(0) {
                Ok(device) => Ok((device, "cuda:0".into())),
                Err(_) => Ok((Device::Cpu, "cpu (no GPU found)".into())),
            },
            Self::Cuda(number) => open_cuda(number).map(|device| (device, format!("cuda:{number}"))).map_err(|error| {
                if cfg!(feature = "cuda") {
                    format!("the GPU cuda:{number} cannot be used: {error}; check the driver (nvidia-smi) or use --device cpu")
                } else {
                    "this binary was built without CUDA: build it with --features cuda, or use --device cpu".into()
                }
            }),
        }
    }
}

/// The GPU of that number, which keeps memory that is freed for what is drawn or learnt next.
fn open_cuda(number: usize) -> Result<Device> {
    let device = Device::new_cuda(number)?;
    #[cfg(feature = "cuda")]
    if let Device::Cuda(device) = &device
        && let Err(error) = crate::nn::on_cuda::keep_freed(device)
    {
        tracing::warn!(%error, "the GPU takes freed memory back, which costs time");
    }
    Ok(device)
}

/// Bytes of memory in use where `device` computes: on a GPU all that is taken of it, on the CPU this process's own.
/// `None` where the system does not tell.
pub fn memory(device: &Device) -> Option<u64> {
    #[cfg(feature = "cuda")]
    if let Device::Cuda(device) = device {
        let (free, total) = device.cuda_stream().context().mem_get_info().ok()?;
        return Some((total - free) as u64);
    }
    if !device.is_cpu() {
        return None;
    }
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(resident.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
}
