//! How exactly a plan computes, and with which of the machine's instructions.

use crate::kernels::plan::Instructions;
use candle_core::{Result, bail};
use std::fmt;
use std::str::FromStr;

/// How numbers are kept on the way through a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// The fastest that the processor has; on a GPU bf16, or f32 where no plan is to be had.
    #[default]
    Auto,
    /// 32 bits.
    F32,
    /// bf16 numbers, summed in f32.
    Bf16,
}

impl FromStr for Precision {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "f32" => Ok(Self::F32),
            "bf16" => Ok(Self::Bf16),
            _ => Err(format!("{text:?} is no precision: use auto, f32 or bf16")),
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        })
    }
}

/// The instructions for a precision on this machine.
///
/// # Errors
/// When bf16 is asked for and the machine has no instructions for it.
pub fn instructions(precision: Precision) -> Result<Instructions> {
    let fits = |set: &Instructions| match precision {
        Precision::Auto => set.pay(),
        Precision::F32 => !set.bf16(),
        Precision::Bf16 => set.bf16(),
    };
    match Instructions::ALL.into_iter().rfind(|set| fits(set) && set.available()) {
        Some(fastest) => Ok(fastest),
        None => bail!("this processor multiplies no bf16 numbers: use --precision f32 or leave it out"),
    }
}
