//! What becomes of device memory that is given back.

use cudarc::driver::sys::CUmemPool_attribute;
use cudarc::driver::{CudaContext, DriverError, result};
use std::sync::Arc;

/// Keeps freed memory in the process's pool. By default the driver takes it back whenever the device has caught up, which
/// it does several times in a training step and after each picture, and maps it anew for the next.
///
/// # Errors
/// When the driver refuses.
pub fn keep_freed(context: &Arc<CudaContext>) -> Result<(), DriverError> {
    let mut all = u64::MAX;
    // SAFETY: the context's device is there, its pool lives as long, and this attribute is a u64.
    unsafe {
        let pool = result::device::get_default_mem_pool(context.cu_device())?;
        let attribute = CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
        result::mem_pool::set_attribute(pool, attribute, (&raw mut all).cast())
    }
}
