//! A factor for each plane, and its adjoint: closed under differentiation, as
//! the convolution ops are.

#[cfg(feature = "cuda")]
use super::on_cuda::{made, view};
use super::ops::{apart, slice};
use super::segment::apply2;
#[cfg(feature = "cuda")]
use crate::kernels::cuda::training;
use crate::kernels::planes as kernel;
#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};

/// One of the faces of `Σ x·s·y`, `x` and `y` `(N, C, H, W)`, `s` `(N, C)`.
#[derive(Clone, Copy)]
pub(super) enum Planes {
    /// `(x, s) → y`
    Scale,
    /// `(x, y) → s`
    Dot,
}

impl CustomOp2 for Planes {
    fn name(&self) -> &'static str {
        match self {
            Self::Scale => "scale-planes",
            Self::Dot => "dot-planes",
        }
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let (a, b) = (slice(s1, l1)?, slice(s2, l2)?);
        let (n, c, h, w) = l1.shape().dims4()?;
        let (out, shape): (_, Shape) = match self {
            Self::Scale => (kernel::scale(a, b, h * w), l1.shape().clone()),
            Self::Dot => (kernel::dot(a, b, h * w), (n, c).into()),
        };
        Ok((CpuStorage::F32(out), shape))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s1: &CudaStorage, l1: &Layout, s2: &CudaStorage, l2: &Layout) -> Result<(CudaStorage, Shape)> {
        let (a, b, (n, c, h, w)) = (view(s1, l1)?, view(s2, l2)?, l1.shape().dims4()?);
        match self {
            Self::Scale => {
                made(s1, l1.shape(), |stream| training::rectify(stream, &a, (Some(&b), None, None), 1.0, h * w))
            }
            Self::Dot => made(s1, (n, c), |stream| training::sum_groups(stream, &a, Some(&b), n * c, h * w)),
        }
    }

    fn bwd(&self, a: &Tensor, b: &Tensor, _res: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (a, b, grad) = (apart(a), apart(b), grad.contiguous()?);
        let (a, b) = match self {
            Self::Scale => (grad.apply_op2(&b, Self::Scale)?, a.apply_op2(&grad, Self::Dot)?),
            Self::Dot => (b.apply_op2(&grad, Self::Scale)?, a.apply_op2(&grad, Self::Scale)?),
        };
        Ok((Some(a), Some(b)))
    }
}

/// `x` `(N, C, H, W)` times a factor a plane, `by` `(N, C)` or `(1, C)`.
///
/// # Errors
/// Those of candle.
pub(super) fn scale(x: &Tensor, by: &Tensor) -> Result<Tensor> {
    let (n, c, _, _) = x.dims4()?;
    let by = by.broadcast_as((n, c))?;
    apply2(&x.contiguous()?, &by.contiguous()?, Planes::Scale)
}
