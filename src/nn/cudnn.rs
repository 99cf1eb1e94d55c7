//! The convolution family on CUDA: from candle's storage to cuDNN and back.

use super::conv::{Convolution, Face};
use crate::kernels::cudnn;
use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::CudaDType;
use candle_core::{CudaStorage, DType, Error, Layout, Result, Shape, bail};
use half::bf16;

/// Runs `op` on two contiguous f32 tensors.
pub(super) fn convolution(
    op: &Convolution,
    (a, a_layout): (&CudaStorage, &Layout),
    (b, b_layout): (&CudaStorage, &Layout),
) -> Result<(CudaStorage, Shape)> {
    let shape = op.shape();
    if !op.bf16 {
        return Ok((run::<f32>(op, (a, a_layout), (b, b_layout))?, shape));
    }
    let (a, b) = (a.to_dtype(a_layout, DType::BF16)?, b.to_dtype(b_layout, DType::BF16)?);
    let packed = |layout: &Layout| Layout::contiguous(layout.shape());
    let out = run::<bf16>(op, (&a, &packed(a_layout)), (&b, &packed(b_layout)))?;
    Ok((out.to_dtype(&Layout::contiguous(&shape), DType::F32)?, shape))
}

fn run<T: cudnn::Value + CudaDType>(
    op: &Convolution,
    (a, a_layout): (&CudaStorage, &Layout),
    (b, b_layout): (&CudaStorage, &Layout),
) -> Result<CudaStorage> {
    let (Some((a_start, a_end)), Some((b_start, b_end))) =
        (a_layout.contiguous_offsets(), b_layout.contiguous_offsets())
    else {
        bail!("expected contiguous tensors, got strides {:?} and {:?}", a_layout.stride(), b_layout.stride());
    };
    let (a, b, device) = (a.as_cuda_slice::<T>()?.slice(a_start..a_end), b.as_cuda_slice::<T>()?, a.device.clone());
    let b = b.slice(b_start..b_end);
    let mut out = device.alloc_zeros::<T>(op.shape().elem_count())?;
    let stream = device.cuda_stream();
    match op.face {
        Face::Forward => cudnn::forward(&op.geometry, &stream, &a, &b, &mut out),
        Face::Adjoint => cudnn::adjoint(&op.geometry, &stream, &a, &b, &mut out),
        Face::WeightGradient => cudnn::weight_gradient(&op.geometry, &stream, &a, &b, &mut out),
    }
    .map_err(Error::wrap)?;
    Ok(CudaStorage::wrap_cuda_slice(out, device))
}
