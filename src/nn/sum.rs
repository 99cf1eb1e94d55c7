//! The sum of two tensors of one shape, on the threads that all else runs on: candle's has threads of its own.

#[cfg(feature = "cuda")]
use super::on_cuda::{made, view};
use super::ops::slice;
use super::segment::{apply2, wanted};
#[cfg(feature = "cuda")]
use crate::kernels::cuda::training;
use crate::kernels::planes;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};

/// `a + b`, f32 of any one shape.
///
/// # Errors
/// When the shapes differ.
pub(super) fn sum(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if a.shape() != b.shape() {
        bail!("{:?} cannot be added to {:?}", b.shape(), a.shape());
    }
    apply2(&a.contiguous()?, &b.contiguous()?, Sum)
}

struct Sum;

impl CustomOp2 for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(planes::sum(slice(s1, l1)?, slice(s2, l2)?)), l1.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &candle_core::CudaStorage,
        l1: &Layout,
        s2: &candle_core::CudaStorage,
        l2: &Layout,
    ) -> Result<(candle_core::CudaStorage, Shape)> {
        let (a, b) = (view(s1, l1)?, view(s2, l2)?);
        made(s1, l1.shape(), |stream| training::rectify(stream, &a, (None, None, Some(&b)), 1.0, a.len()))
    }

    fn bwd(&self, a: &Tensor, b: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let of = |argument| wanted(argument).then(|| grad.clone());
        Ok((of(a), of(b)))
    }
}
