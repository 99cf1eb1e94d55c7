//! The inner loops of the convolution family on the CPU.
//!
//! Everything here works on plain slices and knows nothing of tensors. All of
//! Sakuga's `unsafe` code lives in this folder.

pub mod activation;
pub mod adam;
mod aligned;
#[cfg(target_arch = "x86_64")]
mod amx;
pub mod awake;
pub mod conv;
#[cfg(any(feature = "cuda", test))]
pub mod cuda;
#[cfg(feature = "cuda")]
pub mod cudnn;
#[cfg(target_arch = "x86_64")]
mod direct;
pub mod fresh;
mod gathered;
pub mod geometry;
pub mod lines;
mod lowering;
mod matmul;
mod meanwhile;
pub mod memory;
pub mod mixed;
pub mod norm;
pub mod plan;
pub mod planes;
pub mod resample;
mod winograd;
