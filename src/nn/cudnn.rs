//! The convolution family on CUDA: from candle's storage to cuDNN and back.

use super::conv::{Convolution, Face};
use super::on_cuda::{made, view};
use crate::kernels::cuda::CudaError;
use crate::kernels::cuda::pool::room;
use crate::kernels::cuda::training::{Channels, Made, Stream, Values};
use crate::kernels::cudnn::{self, CudaSlice, CudaView};
use crate::kernels::geometry::Geometry;
use candle_core::{CudaStorage, Layout, Result, Shape};
use half::bf16;

/// What tensor cores read at once: channels of bf16 activations are filled up to multiples of it.
const GROUP: usize = 8;

/// Runs `op` on two contiguous f32 tensors.
pub(super) fn convolution(
    op: &Convolution,
    (a, a_layout): (&CudaStorage, &Layout),
    (b, b_layout): (&CudaStorage, &Layout),
) -> Result<(CudaStorage, Shape)> {
    let (x, y) = (view(a, a_layout)?, view(b, b_layout)?);
    made(a, op.shape(), |stream| {
        if op.bf16 {
            return mixed(op, stream, &x, &y);
        }
        let mut out = room(stream, op.shape().elem_count())?;
        run(op.face, &op.geometry, stream, (&x, &y), &mut out)?;
        Ok(out)
    })
}

/// Of factors rounded to bf16, channels last; the result is rounded to bf16, too.
fn mixed(op: &Convolution, stream: &Stream, a: &Values<'_>, b: &Values<'_>) -> Made {
    let g = &op.geometry;
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
    let a = first.0.to_last(stream, a, first.1)?;
    let b = second.0.to_last(stream, b, second.1)?;
    let geometry = Geometry { in_channels: padded(g.in_channels), out_channels: padded(g.out_channels), ..*g };
    let mut out = room::<bf16>(stream, result.1 * result.0.pixels * result.0.padded)?;
    run(op.face, &geometry, stream, (&a.slice(..), &b.slice(..)), &mut out)?;
    result.0.to_first(stream, &out)
}

fn run<T: cudnn::Value>(
    face: Face,
    geometry: &Geometry,
    stream: &Stream,
    (a, b): (&CudaView<'_, T>, &CudaView<'_, T>),
    out: &mut CudaSlice<T>,
) -> std::result::Result<(), CudaError> {
    match face {
        Face::Forward => cudnn::forward(geometry, stream, a, b, out),
        Face::Adjoint => cudnn::adjoint(geometry, stream, a, b, out),
        Face::WeightGradient => cudnn::weight_gradient(geometry, stream, a, b, out),
    }
}
