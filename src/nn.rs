//! The networks and their building blocks.
//!
//! One layer or network a file. Tensors are `(N, C, H, W)`; pictures are in
//! −1..1. Parameter names are the field paths, so that a weight file reads
//! like the code.

pub mod activation;
pub mod anime;
pub mod autocast;
mod beside;
pub mod conv;
mod conv_rectify;
#[cfg(feature = "cuda")]
mod cudnn;
pub mod dropout;
pub mod generator;
pub mod gradients;
pub mod init;
pub mod layers;
mod modulation;
pub mod noise_input;
pub mod norm;
#[cfg(feature = "cuda")]
pub mod on_cuda;
pub mod ops;
mod pairs;
pub mod patch_gan;
pub mod pix2pix;
pub mod plan;
mod planes;
mod rectify;
pub mod resnet;
pub mod segment;
mod spectral;
pub mod unet;
pub mod update;

pub use generator::{Generator, Pass};
