//! Activations and small ops that candle runs on one thread only.

#[cfg(feature = "cuda")]
use super::on_cuda::{made, view};
use super::segment::{apply1, apply2};
use super::{gradients, ops::slice};
#[cfg(feature = "cuda")]
use crate::kernels::cuda::training;
use crate::kernels::{activation as kernel, planes, resample};
#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Device, Layout, Result, Shape, Tensor};

struct LeakyRelu(f32);

impl CustomOp1 for LeakyRelu {
    fn name(&self) -> &'static str {
        "leaky-relu"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = slice(s, l)?;
        Ok((CpuStorage::F32(kernel::leaky_relu(x, self.0)), l.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> Result<(CudaStorage, Shape)> {
        let x = view(s, l)?;
        made(s, l.shape(), |stream| training::rectify(stream, &x, (None, None, None), self.0, x.len()))
    }

    fn bwd(&self, x: &Tensor, _res: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        // Constant in x almost everywhere: detached, or a second derivative would ask for one there.
        x.detach().contiguous()?.apply_op2(&grad.contiguous()?, LeakyReluGradient(self.0)).map(Some)
    }
}

/// `(x, g) → g` where `x > 0`, else `slope·g`. Linear in `g`; constant in `x`
/// almost everywhere.
pub(super) struct LeakyReluGradient(pub(super) f32);

impl CustomOp2 for LeakyReluGradient {
    fn name(&self) -> &'static str {
        "leaky-relu-gradient"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, g) = (slice(s1, l1)?, slice(s2, l2)?);
        let out = kernel::leaky_relu_gradient(x, g, self.0);
        Ok((CpuStorage::F32(out), l1.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s1: &CudaStorage, l1: &Layout, s2: &CudaStorage, l2: &Layout) -> Result<(CudaStorage, Shape)> {
        let (x, g) = (view(s1, l1)?, view(s2, l2)?);
        made(s1, l1.shape(), |stream| training::gate(stream, &x, &g, self.0))
    }

    fn bwd(&self, x: &Tensor, _g: &Tensor, _res: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let grad = x.detach().contiguous()?.apply_op2(&grad.contiguous()?, LeakyReluGradient(self.0))?;
        Ok((None, Some(grad)))
    }
}

/// `x` where positive, else `slope·x` (Maas, Hannun, Ng 2013). Any shape.
///
/// # Errors
/// Those of candle.
pub fn leaky_relu(x: &Tensor, slope: f32) -> Result<Tensor> {
    apply1(&x.contiguous()?, LeakyRelu(slope))
}

/// `max(x, 0)`. Any shape.
///
/// # Errors
/// Those of candle.
pub fn relu(x: &Tensor) -> Result<Tensor> {
    leaky_relu(x, 0.0)
}

struct AddBias;

impl CustomOp2 for AddBias {
    fn name(&self) -> &'static str {
        "add-bias"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, b) = (slice(s1, l1)?, slice(s2, l2)?);
        let (_, _, height, width) = l1.shape().dims4()?;
        let y = planes::shift(x, b, height * width);
        Ok((CpuStorage::F32(y), l1.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s1: &CudaStorage, l1: &Layout, s2: &CudaStorage, l2: &Layout) -> Result<(CudaStorage, Shape)> {
        let (x, b) = (view(s1, l1)?, view(s2, l2)?);
        let (_, _, height, width) = l1.shape().dims4()?;
        made(s1, l1.shape(), |stream| training::rectify(stream, &x, (None, Some(&b), None), 1.0, height * width))
    }

    fn bwd(&self, _x: &Tensor, b: &Tensor, _res: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let sum = grad.contiguous()?.apply_op1(SumPlanes { channels: b.elem_count() })?;
        Ok((Some(grad.clone()), gradients::keep(b, sum.reshape(b.shape())?)?))
    }
}

pub(super) struct SumPlanes {
    /// C, or N·C for a sum a plane.
    pub(super) channels: usize,
}

impl CustomOp1 for SumPlanes {
    fn name(&self) -> &'static str {
        "sum-planes"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, _, height, width) = l.shape().dims4()?;
        let mut out = vec![0f32; self.channels];
        planes::total(slice(s, l)?, height * width, &mut out);
        Ok((CpuStorage::F32(out), self.channels.into()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> Result<(CudaStorage, Shape)> {
        let (x, (_, _, height, width)) = (view(s, l)?, l.shape().dims4()?);
        made(s, self.channels, |stream| training::sum_groups(stream, &x, None, self.channels, height * width))
    }

    fn bwd(&self, x: &Tensor, _res: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let channels = x.dim(1)?;
        grad.reshape((self.channels / channels, channels, 1, 1))?.broadcast_as(x.shape())?.contiguous().map(Some)
    }
}

/// Adds `bias`, `(C)` or a picture's own `(N, C)`, to every pixel of `x` `(N, C, H, W)`.
///
/// # Errors
/// Those of candle.
pub fn add_bias(x: &Tensor, bias: &Tensor) -> Result<Tensor> {
    apply2(&x.contiguous()?, bias, AddBias)
}

/// Doubling and its adjoint, each the other's derivative. (candle's own
/// `upsample_nearest2d` assigns its gradient instead of adding it.)
#[derive(Clone, Copy)]
enum Resample {
    Double,
    SumBlocks,
}

impl CustomOp1 for Resample {
    fn name(&self) -> &'static str {
        match self {
            Self::Double => "double",
            Self::SumBlocks => "sum-blocks",
        }
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = slice(s, l)?;
        let (n, c, h, w) = l.shape().dims4()?;
        match self {
            Self::Double => {
                let mut y = vec![0f32; 4 * x.len()];
                resample::double(x, (h, w), &mut y);
                Ok((CpuStorage::F32(y), (n, c, 2 * h, 2 * w).into()))
            }
            Self::SumBlocks => {
                let mut y = vec![0f32; x.len() / 4];
                resample::sum_blocks(x, (h / 2, w / 2), &mut y);
                Ok((CpuStorage::F32(y), (n, c, h / 2, w / 2).into()))
            }
        }
    }

    fn bwd(&self, _x: &Tensor, _res: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let other = match self {
            Self::Double => Self::SumBlocks,
            Self::SumBlocks => Self::Double,
        };
        grad.contiguous()?.apply_op1(other).map(Some)
    }
}

/// Nearest-neighbour ×2: `(N, C, H, W)` to `(N, C, 2H, 2W)`.
///
/// # Errors
/// Those of candle.
pub fn upsample2(x: &Tensor) -> Result<Tensor> {
    match x.device() {
        Device::Cpu => apply1(&x.contiguous()?, Resample::Double),
        _ => {
            let (n, c, h, w) = x.dims4()?;
            x.reshape((n, c, h, 1, w, 1))?.broadcast_as((n, c, h, 2, w, 2))?.reshape((n, c, 2 * h, 2 * w))
        }
    }
}
