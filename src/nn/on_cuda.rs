//! What every custom op needs on CUDA: plain slices out of candle's storage, and back.

use crate::kernels::cuda::pool;
use crate::kernels::cuda::training::{Made, Stream, Values, ValuesMut};
use candle_core::{CudaDevice, CudaStorage, Error, Layout, Result, Shape, Storage, Tensor, bail};

/// Keeps the memory that is freed on a device for what is drawn or learnt next.
///
/// # Errors
/// When the driver refuses.
pub fn keep_freed(device: &CudaDevice) -> Result<()> {
    pool::keep_freed(device.cuda_stream().context()).map_err(Error::wrap)
}

/// The values of a contiguous f32 tensor.
pub(super) fn view<'a>(storage: &'a CudaStorage, layout: &Layout) -> Result<Values<'a>> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(storage.as_cuda_slice::<f32>()?.slice(start..end)),
        None => bail!("expected a contiguous tensor, got strides {:?}", layout.stride()),
    }
}

/// The values of a contiguous f32 tensor, to be changed.
pub(super) fn view_mut<'a>(storage: &'a mut CudaStorage, layout: &Layout) -> Result<ValuesMut<'a>> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(storage.as_cuda_slice_mut::<f32>()?.slice_mut(start..end)),
        None => bail!("an update in place needs a contiguous f32 tensor"),
    }
}

/// What `kernel` makes on the stream of `of`, as a tensor's values.
pub(super) fn made(
    of: &CudaStorage,
    shape: impl Into<Shape>,
    kernel: impl FnOnce(&Stream) -> Made,
) -> Result<(CudaStorage, Shape)> {
    let values = kernel(&of.device.cuda_stream()).map_err(Error::wrap)?;
    Ok((CudaStorage::wrap_cuda_slice(values, of.device.clone()), shape.into()))
}

/// One value that nobody reads.
pub(super) fn blank(of: &CudaStorage) -> Result<(CudaStorage, Shape)> {
    made(of, 1, |stream| pool::room(stream, 1))
}

/// Runs `f` on the values of a tensor that an op holds besides its arguments.
pub(super) fn with_values<T>(tensor: &Tensor, f: impl FnOnce(Values<'_>) -> Result<T>) -> Result<T> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cuda(storage) => f(view(storage, layout)?),
        _ => bail!("an op's tensors are on one device"),
    }
}
