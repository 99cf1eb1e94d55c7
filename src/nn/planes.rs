//! A factor for each plane, and its adjoint: closed under differentiation, as
//! the convolution ops are.

use super::ops::{apart, slice};
use crate::kernels::planes as kernel;
use candle_core::{CpuStorage, CustomOp2, Device, Layout, Result, Shape, Tensor};

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
    match x.device() {
        Device::Cpu => x.contiguous()?.apply_op2(&by.contiguous()?, Planes::Scale),
        _ => x.broadcast_mul(&by.reshape((n, c, 1, 1))?),
    }
}
