//! The inference plan's inner loops on CUDA: a kernel for a layer's convolutions and all that ends it, and a few others,
//! over buffers that are kept from picture to picture.
//!
//! What is to be done is a [`program`], plain data that is checked before it runs; it and the kernels'
//! [`arguments`] know nothing of CUDA, so that they are tested where there is no GPU.

pub mod arguments;
#[cfg(test)]
pub mod plain;
pub mod program;

#[cfg(feature = "cuda")]
mod arena;
#[cfg(feature = "cuda")]
mod error;
#[cfg(feature = "cuda")]
mod machine;
#[cfg(feature = "cuda")]
mod module;
#[cfg(feature = "cuda")]
pub mod pool;
#[cfg(feature = "cuda")]
mod recorder;
#[cfg(feature = "cuda")]
pub mod training;

#[cfg(feature = "cuda")]
pub use error::CudaError;
#[cfg(feature = "cuda")]
pub use machine::Machine;
