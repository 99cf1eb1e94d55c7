//! A layer's end in one pass over its values: bias, style and rectifier, or
//! bias and residual. A pass costs as much as a good part of the convolution.

use super::activation::{LeakyReluGradient, SumPlanes, add_bias};
#[cfg(feature = "cuda")]
use super::on_cuda::{made, view};
use super::ops::{apart, slice};
use super::planes::{Planes, scale};
use super::segment::{apply2, apply3};
#[cfg(feature = "cuda")]
use crate::kernels::cuda::training;
use crate::kernels::planes as kernel;
#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};

/// `leaky(x + shift)` or `leaky(x·scale + shift)`: a scale and a shift for each
/// channel, `(C)`, or for each plane, `(N, C)`.
#[derive(Clone, Copy)]
pub(super) struct Rectify {
    /// Above 0, so that the result's sign is its argument's.
    pub(super) slope: f32,
}

impl Rectify {
    /// The gradient in the rectifier's argument, and its sum over each plane.
    pub(super) fn behind(self, result: &Tensor, grad: &Tensor, shift: &Tensor) -> Result<(Tensor, Tensor)> {
        // Constant in the argument almost everywhere: detached.
        let op = RectifyGradient { slope: self.slope, shifts: shift.elem_count() };
        let both = result.detach().apply_op2(&grad.contiguous()?, op)?;
        let gated = both.narrow(0, 0, grad.elem_count())?.reshape(grad.shape())?;
        // Of their own memory: a parameter's gradient would hold all of `both`.
        let sums = both.narrow(0, grad.elem_count(), op.shifts)?.force_contiguous()?;
        Ok((gated, sums.reshape(shift.shape())?))
    }
}

/// `(result, gradient)` to the gradient in the rectifier's argument and its sums, one after the other.
#[derive(Clone, Copy)]
struct RectifyGradient {
    slope: f32,
    /// Sums: C, or N·C for one a plane.
    shifts: usize,
}

impl CustomOp2 for RectifyGradient {
    fn name(&self) -> &'static str {
        "rectify-gradient"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, _, h, w) = l1.shape().dims4()?;
        let both = kernel::rectify_gradient(slice(s1, l1)?, slice(s2, l2)?, self.shifts, self.slope, h * w);
        let count = both.len();
        Ok((CpuStorage::F32(both), count.into()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s1: &CudaStorage, l1: &Layout, s2: &CudaStorage, l2: &Layout) -> Result<(CudaStorage, Shape)> {
        let (y, g, (_, _, h, w)) = (view(s1, l1)?, view(s2, l2)?, l1.shape().dims4()?);
        made(s1, y.len() + self.shifts, |stream| {
            training::rectify_gradient(stream, (&y, &g), self.shifts, self.slope, h * w)
        })
    }

    fn bwd(&self, y: &Tensor, _: &Tensor, _: &Tensor, along: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (_, channels, _, _) = y.dims4()?;
        let gated = along.narrow(0, 0, y.elem_count())?.reshape(y.shape())?;
        let sums = along.narrow(0, y.elem_count(), self.shifts)?.reshape(((), channels))?;
        let grad = y.detach().apply_op2(&add_bias(&gated, &sums.contiguous()?)?, LeakyReluGradient(self.slope))?;
        Ok((None, Some(grad)))
    }
}

impl CustomOp2 for Rectify {
    fn name(&self) -> &'static str {
        "rectify"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, _, h, w) = l1.shape().dims4()?;
        let y = kernel::rectify(slice(s1, l1)?, None, slice(s2, l2)?, self.slope, h * w);
        Ok((CpuStorage::F32(y), l1.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s1: &CudaStorage, l1: &Layout, s2: &CudaStorage, l2: &Layout) -> Result<(CudaStorage, Shape)> {
        let (x, shift, (_, _, h, w)) = (view(s1, l1)?, view(s2, l2)?, l1.shape().dims4()?);
        made(s1, l1.shape(), |stream| training::rectify(stream, &x, (None, Some(&shift), None), self.slope, h * w))
    }

    fn bwd(&self, _: &Tensor, shift: &Tensor, res: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (x, shift) = self.behind(res, grad, shift)?;
        Ok((Some(x), Some(shift)))
    }
}

impl CustomOp3 for Rectify {
    fn name(&self) -> &'static str {
        "rectify-scaled"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (_, _, h, w) = l1.shape().dims4()?;
        let y = kernel::rectify(slice(s1, l1)?, Some(slice(s2, l2)?), slice(s3, l3)?, self.slope, h * w);
        Ok((CpuStorage::F32(y), l1.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
        s3: &CudaStorage,
        l3: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let (x, by, shift, (_, _, h, w)) = (view(s1, l1)?, view(s2, l2)?, view(s3, l3)?, l1.shape().dims4()?);
        let ends = (Some(&by), Some(&shift), None);
        made(s1, l1.shape(), |stream| training::rectify(stream, &x, ends, self.slope, h * w))
    }

    fn bwd(
        &self,
        x: &Tensor,
        by: &Tensor,
        shift: &Tensor,
        res: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (gated, shift) = self.behind(res, grad, shift)?;
        Ok((Some(scale(&gated, &apart(by))?), Some(apart(x).apply_op2(&gated, Planes::Dot)?), Some(shift)))
    }
}

/// `leaky(x·by + shift)` of `x` `(N, C, H, W)`: `by` `(N, C)`, `(1, C)` or
/// none, `shift` the same or `(C)`; `slope` above 0.
///
/// # Errors
/// Those of candle.
pub(super) fn rectify(x: &Tensor, by: Option<&Tensor>, shift: &Tensor, slope: f32) -> Result<Tensor> {
    let (n, c, _, _) = x.dims4()?;
    match by {
        None => apply2(&x.contiguous()?, shift, Rectify { slope }),
        Some(by) => apply3(&x.contiguous()?, &by.broadcast_as((n, c))?.contiguous()?, shift, Rectify { slope }),
    }
}

struct AddBiasTo;

impl CustomOp3 for AddBiasTo {
    fn name(&self) -> &'static str {
        "add-bias-to"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (_, _, h, w) = l1.shape().dims4()?;
        let y = kernel::add(slice(s1, l1)?, slice(s2, l2)?, slice(s3, l3)?, h * w);
        Ok((CpuStorage::F32(y), l1.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
        s3: &CudaStorage,
        l3: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let (x, bias, residual, (_, _, h, w)) = (view(s1, l1)?, view(s2, l2)?, view(s3, l3)?, l1.shape().dims4()?);
        let ends = (None, Some(&bias), Some(&residual));
        made(s1, l1.shape(), |stream| training::rectify(stream, &x, ends, 1.0, h * w))
    }

    fn bwd(
        &self,
        _: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let sum = grad.contiguous()?.apply_op1(SumPlanes { channels: bias.elem_count() })?;
        Ok((Some(grad.clone()), Some(sum), Some(grad.clone())))
    }
}

/// `x + bias + residual`: `x` and `residual` `(N, C, H, W)`, `bias` `(C)`.
///
/// # Errors
/// Those of candle.
pub(super) fn add_bias_to(x: &Tensor, bias: &Tensor, residual: &Tensor) -> Result<Tensor> {
    apply3(&x.contiguous()?, bias, &residual.contiguous()?, AddBiasTo)
}
