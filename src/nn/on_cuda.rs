//! What every custom op needs on CUDA: plain slices out of candle's storage, and back.

use crate::kernels::cuda::training::KernelError;
use candle_core::{CudaStorage, Error, Layout, Result, Shape, Tensor, bail};
use cudarc::driver::{CudaSlice, CudaStream, CudaView, CudaViewMut};
use std::sync::Arc;

/// The values of a contiguous f32 tensor.
pub(super) fn view<'a>(storage: &'a CudaStorage, layout: &Layout) -> Result<CudaView<'a, f32>> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(storage.as_cuda_slice::<f32>()?.slice(start..end)),
        None => bail!("expected a contiguous tensor, got strides {:?}", layout.stride()),
    }
}

/// The values of a contiguous f32 tensor, to be changed.
pub(super) fn view_mut<'a>(storage: &'a mut CudaStorage, layout: &Layout) -> Result<CudaViewMut<'a, f32>> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(storage.as_cuda_slice_mut::<f32>()?.slice_mut(start..end)),
        None => bail!("an update in place needs a contiguous f32 tensor"),
    }
}

/// What `kernel` makes on the stream of `of`, as a tensor's values.
pub(super) fn made(
    of: &CudaStorage,
    shape: impl Into<Shape>,
    kernel: impl FnOnce(&Arc<CudaStream>) -> std::result::Result<CudaSlice<f32>, KernelError>,
) -> Result<(CudaStorage, Shape)> {
    let values = kernel(&of.device.cuda_stream()).map_err(Error::wrap)?;
    Ok((CudaStorage::wrap_cuda_slice(values, of.device.clone()), shape.into()))
}

/// Runs `f` on the values of a tensor that an op holds besides its arguments.
pub(super) fn with_values<T>(tensor: &Tensor, f: impl FnOnce(CudaView<'_, f32>) -> Result<T>) -> Result<T> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        candle_core::Storage::Cuda(storage) => f(view(storage, layout)?),
        _ => bail!("an op's tensors are on one device"),
    }
}
