//! The convolution family on CUDA: from candle's storage to cuDNN and back.

use super::conv::{Convolution, Face};
use crate::kernels::cuda::training::Channels;
use crate::kernels::cudnn::{self, CudaSlice, CudaView};
use crate::kernels::geometry::Geometry;
use candle_core::{CudaDevice, CudaStorage, Error, Layout, Result, Shape, bail};
use half::bf16;

/// What tensor cores read at once: channels of bf16 activations are filled up to multiples of it.
const GROUP: usize = 8;

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
    let device = a.device.clone();
    let (a, b) = (a.as_cuda_slice::<f32>()?.slice(a_start..a_end), b.as_cuda_slice::<f32>()?.slice(b_start..b_end));
    let out = if op.bf16 {
        mixed(op, &device, &a, &b)?
    } else {
        let mut out = cudnn::room(&device.cuda_stream(), op.shape().elem_count()).map_err(Error::wrap)?;
        run(op.face, &op.geometry, &device, (&a, &b), &mut out)?;
        out
    };
    Ok((CudaStorage::wrap_cuda_slice(out, device), op.shape()))
}

/// Of factors rounded to bf16, channels last; the result is rounded to bf16, too.
fn mixed(
    op: &Convolution,
    device: &CudaDevice,
    a: &CudaView<'_, f32>,
    b: &CudaView<'_, f32>,
) -> Result<CudaSlice<f32>> {
    let (g, stream) = (&op.geometry, device.cuda_stream());
    let padded = |channels: usize| channels.next_multiple_of(GROUP);
    let form =
        |batch: usize, channels: usize, pixels: usize| Channels { batch, channels, padded: padded(channels), pixels };
    // Each with its rows: a weight's outputs are channels, too.
    let input = (form(g.batch, g.in_channels, g.in_pixels()), g.batch);
    let output = (form(g.batch, g.out_channels, g.out_pixels()), g.batch);
    let weight = (form(g.out_channels, g.in_channels, g.kernel * g.kernel), padded(g.out_channels));
    let (first, second, result) = match op.face {
        Face::Forward => (input, weight, output),
        Face::Adjoint => (output, weight, input),
        Face::WeightGradient => (input, output, weight),
    };
    let a = first.0.to_last(&stream, a, first.1).map_err(Error::wrap)?;
    let b = second.0.to_last(&stream, b, second.1).map_err(Error::wrap)?;
    let geometry = Geometry { in_channels: padded(g.in_channels), out_channels: padded(g.out_channels), ..*g };
    let mut out = cudnn::room::<bf16>(&stream, result.1 * result.0.pixels * result.0.padded).map_err(Error::wrap)?;
    run(op.face, &geometry, device, (&a.slice(..), &b.slice(..)), &mut out)?;
    result.0.to_first(&stream, &out).map_err(Error::wrap)
}

fn run<T: cudnn::Value>(
    face: Face,
    geometry: &Geometry,
    device: &CudaDevice,
    (a, b): (&CudaView<'_, T>, &CudaView<'_, T>),
    out: &mut CudaSlice<T>,
) -> Result<()> {
    let stream = device.cuda_stream();
    match face {
        Face::Forward => cudnn::forward(geometry, &stream, a, b, out),
        Face::Adjoint => cudnn::adjoint(geometry, &stream, a, b, out),
        Face::WeightGradient => cudnn::weight_gradient(geometry, &stream, a, b, out),
    }
    .map_err(Error::wrap)
}
