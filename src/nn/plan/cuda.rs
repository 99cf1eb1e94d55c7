//! The inference plan on CUDA, in bf16: cuDNN's convolutions over channels-last buffers that are kept, one kernel for
//! all else of a layer, and the whole pass as a graph from a size's second picture on.

mod layout;

#[cfg(feature = "cuda")]
mod drawer;
#[cfg(feature = "cuda")]
pub use drawer::plan;

#[cfg(test)]
pub(super) mod tests;
