//! Convolution, its adjoint and its weight gradient as three custom ops.
//!
//! The three are the faces of one trilinear form `Σ conv(x, w)·y`: the
//! derivative of each in either argument is another of the three. So the set
//! is closed: it can be differentiated any number of times, with one fast
//! implementation of each per device (gemm on the CPU, cuDNN on CUDA).

use super::ops::{apart, slice};
use super::segment::{apply2, wanted};
use super::{autocast, gradients};
use crate::kernels::{awake, conv as exact, fresh::zeros, geometry::Geometry, mixed};
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};

/// Which face of the trilinear form an op computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    /// `(x, w) → y`
    Forward,
    /// `(y, w) → x`
    Adjoint,
    /// `(x, y) → w`
    WeightGradient,
}

/// One of the three ops at given sizes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Convolution {
    pub(super) face: Face,
    pub(super) geometry: Geometry,
    /// Whether its factors and its result are rounded to bf16; its derivatives' are too.
    pub(super) bf16: bool,
}

impl Convolution {
    /// In the precision that is in force.
    fn new(face: Face, geometry: Geometry) -> Self {
        Self { face, geometry, bf16: autocast::bf16() }
    }

    fn apply(self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        apply2(&a.contiguous()?, &b.contiguous()?, self)
    }

    fn face(self, face: Face) -> Self {
        Self { face, ..self }
    }

    /// The result of contiguous values, and its shape.
    pub(super) fn on_cpu(&self, a: &[f32], b: &[f32]) -> (Vec<f32>, Shape) {
        let shape = self.shape();
        let mut out = zeros(shape.elem_count());
        let run = match (self.face, self.bf16) {
            (Face::Forward, false) => exact::forward,
            (Face::Adjoint, false) => exact::adjoint,
            (Face::WeightGradient, false) => exact::weight_gradient,
            (Face::Forward, true) => mixed::forward,
            (Face::Adjoint, true) => mixed::adjoint,
            (Face::WeightGradient, true) => mixed::weight_gradient,
        };
        awake::call();
        run(&self.geometry, a, b, &mut out);
        (out, shape)
    }

    /// What is to be added to the gradients of `a` and of `b`, from that of the result.
    ///
    /// # Errors
    /// Those of candle.
    pub(super) fn gradients(self, a: &Tensor, b: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        use Face::{Adjoint, Forward, WeightGradient};
        // Candle asks for both gradients; a photo or a frozen weight needs none.
        let of = |t: &Tensor, face: Face, x: &Tensor, y: &Tensor| match wanted(t) {
            true => gradients::keep(t, self.face(face).apply(&apart(x), &apart(y))?),
            false => Ok(None),
        };
        Ok(match self.face {
            Forward => (of(a, Adjoint, grad, b)?, of(b, WeightGradient, a, grad)?),
            Adjoint => (of(a, Forward, grad, b)?, of(b, WeightGradient, grad, a)?),
            WeightGradient => (of(a, Adjoint, b, grad)?, of(b, Forward, a, grad)?),
        })
    }

    /// `conv(x, w)`.
    ///
    /// # Errors
    /// As for [`conv2d`].
    pub(super) fn forward(x: &Tensor, w: &Tensor, stride: usize, padding: usize) -> Result<Self> {
        let (batch, in_channels, height, width) = x.dims4()?;
        let (out_channels, channels, kernel, kernel_width) = w.dims4()?;
        if channels != in_channels || kernel != kernel_width {
            bail!("conv2d: a weight {:?} does not fit an input {:?}", w.shape(), x.shape());
        }
        if height + 2 * padding < kernel || width + 2 * padding < kernel {
            bail!("conv2d: an input {:?} is smaller than the kernel {kernel}×{kernel}", x.shape());
        }
        let out = |side: usize| (side + 2 * padding - kernel) / stride + 1;
        let geometry = Geometry {
            batch,
            in_channels,
            input: (height, width),
            out_channels,
            output: (out(height), out(width)),
            kernel,
            stride,
            padding,
        };
        Ok(Self::new(Face::Forward, geometry))
    }

    /// Shape of the result.
    pub(super) fn shape(&self) -> Shape {
        let g = &self.geometry;
        match self.face {
            Face::Forward => (g.batch, g.out_channels, g.output.0, g.output.1),
            Face::Adjoint => (g.batch, g.in_channels, g.input.0, g.input.1),
            Face::WeightGradient => (g.out_channels, g.in_channels, g.kernel, g.kernel),
        }
        .into()
    }
}

impl CustomOp2 for Convolution {
    fn name(&self) -> &'static str {
        match self.face {
            Face::Forward => "convolution",
            Face::Adjoint => "convolution-adjoint",
            Face::WeightGradient => "convolution-weight-gradient",
        }
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let (values, shape) = self.on_cpu(slice(s1, l1)?, slice(s2, l2)?);
        Ok((CpuStorage::F32(values), shape))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &candle_core::CudaStorage,
        l1: &Layout,
        s2: &candle_core::CudaStorage,
        l2: &Layout,
    ) -> Result<(candle_core::CudaStorage, Shape)> {
        super::cudnn::convolution(self, (s1, l1), (s2, l2))
    }

    fn bwd(&self, a: &Tensor, b: &Tensor, _res: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        self.gradients(a, b, grad)
    }
}

/// Convolution of `x` `(N, Cin, H, W)` with `w` `(Cout, Cin, K, K)`.
///
/// # Errors
/// When the channels differ, the kernel is not square, or the input is smaller
/// than the kernel.
pub fn conv2d(x: &Tensor, w: &Tensor, stride: usize, padding: usize) -> Result<Tensor> {
    Convolution::forward(x, w, stride, padding)?.apply(x, w)
}

/// Transposed convolution of `y` `(N, Cin, H, W)` with `w` `(Cin, Cout, K, K)`
/// (PyTorch's order): the adjoint of [`conv2d`].
///
/// # Errors
/// When the channels differ or the kernel is not square.
pub fn conv_transpose2d(
    y: &Tensor,
    w: &Tensor,
    stride: usize,
    padding: usize,
    output_padding: usize,
) -> Result<Tensor> {
    let (batch, out_channels, height, width) = y.dims4()?;
    let (channels, in_channels, kernel, kernel_width) = w.dims4()?;
    if channels != out_channels || kernel != kernel_width {
        bail!("conv_transpose2d: a weight {:?} does not fit an input {:?}", w.shape(), y.shape());
    }
    let out = |side: usize| ((side - 1) * stride + kernel + output_padding).checked_sub(2 * padding);
    let (Some(out_height), Some(out_width)) = (out(height), out(width)) else {
        bail!("conv_transpose2d: padding {padding} leaves nothing of an input {:?}", y.shape());
    };
    let geometry = Geometry {
        batch,
        in_channels,
        input: (out_height, out_width),
        out_channels,
        output: (height, width),
        kernel,
        stride,
        padding,
    };
    Convolution::new(Face::Adjoint, geometry).apply(y, w)
}
