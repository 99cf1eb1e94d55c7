//! Mixed precision: convolutions of bf16 factors, all else in f32.
//!
//! Parameters, gradients and the optimiser's moments stay f32 (Micikevicius et al. 2018); bf16 has f32's range, so losses
//! need no scale (Kalamkar et al. 2019). What was convolved in bf16 is differentiated in bf16.

use std::cell::Cell;

pub use crate::kernels::mixed::fast as fast_on_cpu;

thread_local! {
    static BF16: Cell<bool> = const { Cell::new(false) };
}

/// While it lives, convolutions that this thread starts round their factors and their results to bf16 and sum in f32:
/// on CUDA by cuDNN, on a CPU with AMX by tiles; on others step by step, for the result and not for speed.
#[must_use = "it ends when it is dropped"]
pub struct Autocast {
    before: bool,
}

impl Autocast {
    /// Mixed precision, or f32 where it is not `wanted`, from now on.
    pub fn new(wanted: bool) -> Self {
        Self { before: BF16.replace(wanted) }
    }
}

impl Drop for Autocast {
    fn drop(&mut self) {
        BF16.set(self.before);
    }
}

/// Whether a convolution that starts now is to be of bf16 factors.
pub(super) fn bf16() -> bool {
    BF16.get()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::conv::{conv_transpose2d, conv2d};
    use super::*;
    use candle_core::{DType, Device, Tensor, Var};

    fn values(shape: [usize; 4], seed: usize) -> Tensor {
        let count: usize = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|i| ((i * 37 + seed * 11) % 101) as f32 / 97.0 - 0.5).collect();
        Tensor::from_vec(values, shape.as_slice(), &Device::Cpu).unwrap()
    }

    fn rounded(x: &Tensor) -> Tensor {
        x.to_dtype(DType::BF16).unwrap().to_dtype(DType::F32).unwrap()
    }

    fn all(x: &Tensor) -> Vec<f32> {
        x.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn factors_and_results_are_bf16_and_so_are_the_derivatives() {
        let x = Var::from_tensor(&values([2, 3, 8, 6], 1)).unwrap();
        let w = Var::from_tensor(&values([4, 3, 3, 3], 2)).unwrap();
        let gradient = values([2, 4, 8, 6], 3);
        let y = {
            let _bf16 = Autocast::new(true);
            conv2d(&x, &w, 1, 1).unwrap()
        };
        let (round_x, round_w, round_gradient) = (rounded(&x), rounded(&w), rounded(&gradient));
        assert_eq!(all(&y), all(&rounded(&conv2d(&round_x, &round_w, 1, 1).unwrap())));
        assert_ne!(all(&y), all(&conv2d(&x, &w, 1, 1).unwrap()), "f32 again once the guard is gone");

        // Σ y·g: candle hands g to the convolution's derivatives, long after the guard.
        let grads = (&y * &gradient).unwrap().sum_all().unwrap().backward().unwrap();
        let by_x = rounded(&conv_transpose2d(&round_gradient, &round_w, 1, 1, 0).unwrap());
        assert_eq!(all(grads.get(&x).unwrap()), all(&by_x));
        assert_eq!(grads.get(&w).unwrap().dtype(), DType::F32);
    }

    #[test]
    fn guards_nest() {
        let outer = Autocast::new(true);
        drop(Autocast::new(false));
        assert!(bf16());
        drop(outer);
        assert!(!bf16());
    }
}
