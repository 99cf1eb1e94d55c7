//! Channels side by side.
//!
//! Of candle's `cat` the inputs' gradients are views, and its sums of gradients read those value by value on one thread:
//! a fifteenth of a training step of `unet_256`. Here they are tensors of their own.

#[cfg(feature = "cuda")]
use super::on_cuda::{made, view};
use super::ops::slice;
use super::segment::{apply2, wanted};
#[cfg(feature = "cuda")]
use crate::kernels::cuda::training;
use crate::kernels::planes;
#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor};

/// `a` `(N, C, H, W)` and `b` `(N, D, H, W)` as one `(N, C + D, H, W)`.
///
/// # Errors
/// When anything but the channels differs.
pub(super) fn beside(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let alike = a.dim(0)? == b.dim(0)? && a.dims()[2..] == b.dims()[2..] && [a.dtype(), b.dtype()] == [DType::F32; 2];
    if !alike {
        return Tensor::cat(&[a, b], 1);
    }
    apply2(&a.contiguous()?, &b.contiguous()?, Beside)
}

struct Beside;

impl CustomOp2 for Beside {
    fn name(&self) -> &'static str {
        "beside"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let (a, b) = (slice(s1, l1)?, slice(s2, l2)?);
        let ((batch, left, height, width), right) = (l1.shape().dims4()?, l2.shape().dims4()?.1);
        let out = planes::beside((a, left), (b, right), height * width);
        Ok((CpuStorage::F32(out), (batch, left + right, height, width).into()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s1: &CudaStorage, l1: &Layout, s2: &CudaStorage, l2: &Layout) -> Result<(CudaStorage, Shape)> {
        let (a, b) = (view(s1, l1)?, view(s2, l2)?);
        let ((batch, left, height, width), right) = (l1.shape().dims4()?, l2.shape().dims4()?.1);
        let shape = (batch, left + right, height, width);
        made(s1, shape, |stream| training::beside(stream, (&a, left), (&b, right), height * width))
    }

    fn bwd(&self, a: &Tensor, b: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (left, right) = (a.dim(1)?, b.dim(1)?);
        let part = |of: &Tensor, first, count| match wanted(of) {
            true => grad.narrow(1, first, count)?.contiguous().map(Some),
            false => Ok(None),
        };
        Ok((part(a, 0, left)?, part(b, left, right)?))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn it_is_candles_cat_with_its_gradients() {
        let var = |channels: usize, from: f32| {
            let values = (0..2 * channels * 12).map(|i| (i as f32 + from).sin()).collect();
            Var::from_vec(values, (2, channels, 3, 4), &Device::Cpu).unwrap()
        };
        let (a, b, weights) = (var(3, 0.0), var(2, 0.5), var(5, 0.9));
        let gradients = |joined: Tensor| {
            let grads = (&joined * weights.as_tensor()).unwrap().sqr().unwrap().sum_all().unwrap().backward().unwrap();
            let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            [values(&joined), values(grads.get(&a).unwrap()), values(grads.get(&b).unwrap())]
        };
        assert_eq!(
            gradients(beside(&a, &b).unwrap()),
            gradients(Tensor::cat(&[a.as_tensor(), b.as_tensor()], 1).unwrap())
        );
        assert!(beside(&a, &var(2, 0.0).narrow(2, 0, 2).unwrap()).is_err());
    }
}
