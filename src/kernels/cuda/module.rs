//! The kernels of `kernels.cu`: compiled once, loaded for a device, run.

use super::arguments::{Finish, Grid, Moments, Photo, Picture};
use super::error::CudaPlanError;
use cudarc::driver::{CudaContext, CudaFunction, CudaStream, DriverError, result};
use cudarc::nvrtc::{Ptx, compile_ptx};
use std::sync::{Arc, Mutex, PoisonError};

/// What NVRTC made of the kernels. It names no architecture, so every driver of its age compiles it for its device.
static COMPILED: Mutex<Option<Ptx>> = Mutex::new(None);

fn compiled() -> Result<Ptx, CudaPlanError> {
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(ptx) = &*compiled {
        return Ok(ptx.clone());
    }
    let ptx = compile_ptx(include_str!("kernels.cu"))?;
    *compiled = Some(ptx.clone());
    Ok(ptx)
}

/// The kernels on a device.
pub(super) struct Kernels {
    photo: CudaFunction,
    partial_moments: CudaFunction,
    whole_moments: CudaFunction,
    finish: CudaFunction,
    picture: CudaFunction,
}

impl Kernels {
    pub fn new(context: &Arc<CudaContext>) -> Result<Self, CudaPlanError> {
        let module = context.load_module(compiled()?)?;
        let load = |name| module.load_function(name);
        Ok(Self {
            photo: load("photo")?,
            partial_moments: load("partial_moments")?,
            whole_moments: load("whole_moments")?,
            finish: load("finish")?,
            picture: load("picture")?,
        })
    }

    /// # Safety
    /// The arguments' addresses must hold what the kernel reads and writes for their sizes, until the stream has run it.
    pub unsafe fn photo(&self, stream: &CudaStream, arguments: &(Photo, Grid)) -> Result<(), DriverError> {
        // SAFETY: `photo` takes a `Photo`; the rest is the caller's word.
        unsafe { launch(&self.photo, stream, &arguments.0, &arguments.1) }
    }

    /// # Safety
    /// As for [`Self::photo`].
    pub unsafe fn moments(&self, stream: &CudaStream, arguments: &(Moments, Grid, Grid)) -> Result<(), DriverError> {
        let (arguments, partial, whole) = arguments;
        // SAFETY: both kernels take a `Moments`; the rest is the caller's word.
        unsafe {
            launch(&self.partial_moments, stream, arguments, partial)?;
            launch(&self.whole_moments, stream, arguments, whole)
        }
    }

    /// # Safety
    /// As for [`Self::photo`].
    pub unsafe fn finish(&self, stream: &CudaStream, arguments: &(Finish, Grid)) -> Result<(), DriverError> {
        // SAFETY: `finish` takes a `Finish`; the rest is the caller's word.
        unsafe { launch(&self.finish, stream, &arguments.0, &arguments.1) }
    }

    /// # Safety
    /// As for [`Self::photo`].
    pub unsafe fn picture(&self, stream: &CudaStream, arguments: &(Picture, Grid)) -> Result<(), DriverError> {
        // SAFETY: `picture` takes a `Picture`; the rest is the caller's word.
        unsafe { launch(&self.picture, stream, &arguments.0, &arguments.1) }
    }
}

/// # Safety
/// `function` must take one argument of type `A`, and what is in it must suit it.
unsafe fn launch<A>(
    function: &CudaFunction,
    stream: &CudaStream,
    arguments: &A,
    grid: &Grid,
) -> Result<(), DriverError> {
    let mut pointers = [std::ptr::from_ref(arguments).cast_mut().cast()];
    // SAFETY: the driver copies the argument before it returns; the rest is the caller's word.
    unsafe {
        result::launch_kernel(function.cu_function(), grid.blocks, grid.threads, 0, stream.cu_stream(), &mut pointers)
    }
}
