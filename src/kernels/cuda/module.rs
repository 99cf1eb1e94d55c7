//! The kernels of `kernels.cu` and `convolve.cu`: compiled once, loaded for a device, run.

use super::arguments::{Convolve, Finish, Grid, Moments, Photo, Picture, Shape};
use super::error::CudaError;
use cudarc::driver::sys::{CUdevice_attribute, CUfunction_attribute, CUresult};
use cudarc::driver::{CudaContext, CudaFunction, CudaStream, DriverError, result};
use cudarc::nvrtc::{CompileOptions, Ptx, compile_ptx_with_opts};
use std::sync::{Arc, Mutex, PoisonError};

/// The first architecture that multiplies bf16 numbers. The driver compiles for its device from there.
const ARCHITECTURE: &str = "compute_80";

/// What NVRTC made of the kernels.
static COMPILED: Mutex<Option<Ptx>> = Mutex::new(None);

fn compiled() -> Result<Ptx, CudaError> {
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(ptx) = &*compiled {
        return Ok(ptx.clone());
    }
    let options = CompileOptions { arch: Some(ARCHITECTURE), ..CompileOptions::default() };
    let ptx = compile_ptx_with_opts(concat!(include_str!("kernels.cu"), include_str!("convolve.cu")), options)?;
    *compiled = Some(ptx.clone());
    Ok(ptx)
}

/// The kernels on a device.
pub(super) struct Kernels {
    photo: CudaFunction,
    /// By channels a block.
    convolve: [(usize, CudaFunction); 3],
    partial_moments: CudaFunction,
    whole_moments: CudaFunction,
    finish: CudaFunction,
    picture: CudaFunction,
    /// Bytes of shared memory that a block may have.
    pub shared: usize,
}

impl Kernels {
    pub fn new(context: &Arc<CudaContext>) -> Result<Self, CudaError> {
        let module = context.load_module(compiled()?)?;
        let load = |name: &str| module.load_function(name);
        let most = context.attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)?;
        let convolve = |columns: usize| {
            let function = load(&format!("convolve_{columns}"))?;
            function.set_attribute(CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, most)?;
            Ok::<_, DriverError>((columns, function))
        };
        Ok(Self {
            shared: usize::try_from(most).unwrap_or(0),
            convolve: [convolve(16)?, convolve(32)?, convolve(64)?],
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
        unsafe { launch(&self.photo, stream, &arguments.0, (&arguments.1, 0)) }
    }

    /// # Safety
    /// As for [`Self::photo`].
    pub unsafe fn convolve(
        &self,
        stream: &CudaStream,
        (arguments, shape): &(Convolve, Shape),
    ) -> Result<(), DriverError> {
        let function = self.convolve.iter().find(|(columns, _)| *columns == shape.columns);
        let (_, function) = function.ok_or(DriverError(CUresult::CUDA_ERROR_NOT_FOUND))?;
        // SAFETY: `convolve_16` and its like take a `Convolve`; the rest is the caller's word.
        unsafe { launch(function, stream, arguments, (&shape.grid, shape.shared)) }
    }

    /// # Safety
    /// As for [`Self::photo`].
    pub unsafe fn moments(&self, stream: &CudaStream, arguments: &(Moments, Grid, Grid)) -> Result<(), DriverError> {
        let (arguments, partial, whole) = arguments;
        // SAFETY: both kernels take a `Moments`; the rest is the caller's word.
        unsafe {
            launch(&self.partial_moments, stream, arguments, (partial, 0))?;
            launch(&self.whole_moments, stream, arguments, (whole, 0))
        }
    }

    /// # Safety
    /// As for [`Self::photo`].
    pub unsafe fn finish(&self, stream: &CudaStream, arguments: &(Finish, Grid)) -> Result<(), DriverError> {
        // SAFETY: `finish` takes a `Finish`; the rest is the caller's word.
        unsafe { launch(&self.finish, stream, &arguments.0, (&arguments.1, 0)) }
    }

    /// # Safety
    /// As for [`Self::photo`].
    pub unsafe fn picture(&self, stream: &CudaStream, arguments: &(Picture, Grid)) -> Result<(), DriverError> {
        // SAFETY: `picture` takes a `Picture`; the rest is the caller's word.
        unsafe { launch(&self.picture, stream, &arguments.0, (&arguments.1, 0)) }
    }
}

/// Starts blocks, each with so many bytes of shared memory.
///
/// # Safety
/// `function` must take one argument of type `A`, and what is in it must suit it.
unsafe fn launch<A>(
    function: &CudaFunction,
    stream: &CudaStream,
    arguments: &A,
    (grid, shared): (&Grid, usize),
) -> Result<(), DriverError> {
    let mut pointers = [std::ptr::from_ref(arguments).cast_mut().cast()];
    // SAFETY: the driver copies the argument before it returns; the rest is the caller's word.
    unsafe {
        result::launch_kernel(
            function.cu_function(),
            grid.blocks,
            grid.threads,
            shared as u32,
            stream.cu_stream(),
            &mut pointers,
        )
    }
}
