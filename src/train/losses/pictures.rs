//! Pictures for the losses' tests.

#![allow(clippy::unwrap_used)]

use candle_core::{Device, Tensor};

/// No multiple of a loss's block.
pub(super) const SIDE: usize = 34;

/// `(1, 3, 34, 34)`, all three channels `value(x, y)`.
pub(super) fn grey(value: impl Fn(usize, usize) -> f32) -> Tensor {
    let values: Vec<f32> = (0..3 * SIDE * SIDE).map(|i| value(i % SIDE, i / SIDE % SIDE)).collect();
    Tensor::from_vec(values, (1, 3, SIDE, SIDE), &Device::Cpu).unwrap()
}
