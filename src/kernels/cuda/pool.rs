//! Where device memory comes from, and what becomes of it when it is given back.

use super::error::CudaError;
use cudarc::driver::sys::CUmemPool_attribute;
use cudarc::driver::{CudaContext, CudaSlice, CudaStream, DeviceRepr, ValidAsZeroBits, result};
use std::sync::Arc;

/// Memory for what a kernel writes all of; until then it holds whatever was there before.
///
/// # Errors
/// When the device has none left.
pub fn room<T: DeviceRepr + ValidAsZeroBits>(stream: &Arc<CudaStream>, len: usize) -> Result<CudaSlice<T>, CudaError> {
    // SAFETY: numbers may have any bits, and nobody reads them before they are written, on the same stream.
    Ok(unsafe { stream.alloc::<T>(len) }?)
}

/// Keeps freed memory in the process's pool. By default the driver takes it back whenever the device has caught up, which
/// it does several times in a training step and after each picture, and maps it anew for the next.
///
/// # Errors
/// When the driver refuses.
pub fn keep_freed(context: &Arc<CudaContext>) -> Result<(), CudaError> {
    let mut all = u64::MAX;
    // SAFETY: the context's device is there, its pool lives as long, and this attribute is a u64.
    unsafe {
        let pool = result::device::get_default_mem_pool(context.cu_device())?;
        let attribute = CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
        result::mem_pool::set_attribute(pool, attribute, (&raw mut all).cast())?;
    }
    Ok(())
}
