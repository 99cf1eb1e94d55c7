//! The convolution family on CUDA: from candle's storage to cuDNN and back.

use super::conv::{Convolution, Face};
use crate::kernels::cudnn;
use candle_core::{CudaStorage, Error, Layout, Result, Shape, bail};

/// Runs `op` on two contiguous f32 tensors.
pub(super) fn convolution(
    op: &Convolution,
    (a, a_layout): (&CudaStorage, &Layout),
    (b, b_layout): (&CudaStorage, &Layout),
) -> Result<(CudaStorage, Shape)> {
    let (Some((a_start, a_end)), Some((b_start, b_end))) =
        (a_layout.contiguous_offsets(), b_layout.contiguous_offsets())
    else {
        bail!("expected contiguous tensors, got strides {:?} and {:?}", a_layout.stride(), b_layout.stride());
    };
    let (a, b, device) = (a.as_cuda_slice::<f32>()?.slice(a_start..a_end), b.as_cuda_slice::<f32>()?, a.device.clone());
    let b = b.slice(b_start..b_end);
    let shape = op.shape();
    let mut out = device.alloc_zeros::<f32>(shape.elem_count())?;
    let stream = device.cuda_stream();
    match op.face {
        Face::Forward => cudnn::forward(&op.geometry, &stream, &a, &b, &mut out),
        Face::Adjoint => cudnn::adjoint(&op.geometry, &stream, &a, &b, &mut out),
        Face::WeightGradient => cudnn::weight_gradient(&op.geometry, &stream, &a, &b, &mut out),
    }
    .map_err(Error::wrap)?;
    Ok((CudaStorage::wrap_cuda_slice(out, device), shape))
}
