//! Sakuga (作画, the drawing in animation): a photo goes in, an anime-styled
//! picture comes out.
//!
//! # Layout
//!
//! * [`kernels`]: the convolution family's inner loops on the CPU.
//! * [`nn`]: networks and their building blocks on candle.
//! * [`models`]: a model as users see it: its card, its weights, the registry.
//! * [`imaging`]: bytes, pixels and tensors, and the ways between them.
//! * [`engine`]: the thread that owns the device, and its queue.
//! * [`http`]: the service.
//! * [`looks`]: the target looks as classical image processing.
//! * [`train`]: data, losses, the training loop, evaluation.
//! * [`cli`]: the command lines of `sakuga` and `sakuga-train`.
//!
//! Arrows run one way: cli → http → engine → models → nn → kernels, and
//! train → models, nn, imaging, looks. `tests/arrows.rs` holds them.

pub mod cli;
pub mod engine;
pub mod http;
pub mod imaging;
pub mod kernels;
pub mod looks;
pub mod models;
pub mod nn;
pub mod train;
