//! The inference plan on CUDA, in bf16: a kernel for each layer, over channels-last buffers that are kept, and the whole
//! pass as a graph from a size's second picture on.

mod layout;

#[cfg(feature = "cuda")]
mod drawer;
#[cfg(feature = "cuda")]
pub use drawer::plan;

#[cfg(test)]
pub(super) mod tests;
