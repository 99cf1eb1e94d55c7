//! Starting a kernel of `training.cu`: its pointers first, then its numbers, then its sizes.

use crate::kernels::cuda::CudaError;
use cudarc::driver::{CudaContext, CudaFunction, CudaStream, DevicePtr, DevicePtrMut, DriverError, result};
use cudarc::nvrtc::compile_ptx;
use std::ffi::c_void;
use std::sync::{Arc, Mutex, PoisonError};

/// Each kernel that `training.cu` has.
const NAMES: [&str; 13] = [
    "to_channels_last",
    "to_channels_first",
    "rectify",
    "gate",
    "sum_groups",
    "rectify_gradient",
    "moments",
    "normalise",
    "normalise_gradient",
    "beside",
    "adam_moments",
    "adam_advance",
    "approach",
];

/// The kernels by name.
type Loaded = Vec<(&'static str, CudaFunction)>;

/// By device.
static LOADED: Mutex<Vec<(Arc<CudaContext>, Loaded)>> = Mutex::new(Vec::new());

fn kernel(context: &Arc<CudaContext>, name: &str) -> Result<CudaFunction, CudaError> {
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    let known = loaded.iter().position(|(other, _)| Arc::ptr_eq(other, context));
    let device = match known {
        Some(device) => device,
        None => {
            let module = context.load_module(compile_ptx(include_str!("../training.cu"))?)?;
            let load = |name| Ok((name, module.load_function(name)?));
            loaded.push((context.clone(), NAMES.into_iter().map(load).collect::<Result<Loaded, DriverError>>()?));
            loaded.len() - 1
        }
    };
    let found = loaded[device].1.iter().find(|(other, _)| *other == name);
    found.map(|(_, kernel)| kernel.clone()).ok_or_else(|| CudaError::Program(format!("there is no kernel `{name}`")))
}

/// A kernel's arguments, collected.
pub(super) struct Launch<'a> {
    stream: &'a Arc<CudaStream>,
    kernel: CudaFunction,
    pointers: Vec<u64>,
    numbers: Vec<f32>,
    sizes: Vec<u32>,
}

impl<'a> Launch<'a> {
    pub fn new(stream: &'a Arc<CudaStream>, name: &str) -> Result<Self, CudaError> {
        let kernel = kernel(stream.context(), name)?;
        Ok(Self { stream, kernel, pointers: Vec::new(), numbers: Vec::new(), sizes: Vec::new() })
    }

    // The slices belong to this stream, on which what is done to them later waits for the kernel: cudarc's guards, which
    // are dropped here, order several streams.

    pub fn reads<T>(mut self, values: &impl DevicePtr<T>) -> Self {
        self.pointers.push(values.device_ptr(self.stream).0);
        self
    }

    pub fn may_read<T>(mut self, values: Option<&impl DevicePtr<T>>) -> Self {
        self.pointers.push(values.map_or(0, |values| values.device_ptr(self.stream).0));
        self
    }

    pub fn writes<T>(mut self, values: &mut impl DevicePtrMut<T>) -> Self {
        self.pointers.push(values.device_ptr_mut(self.stream).0);
        self
    }

    pub fn numbers(self, numbers: &[f32]) -> Self {
        Self { numbers: numbers.to_vec(), ..self }
    }

    pub fn sizes(self, sizes: &[usize]) -> Result<Self, CudaError> {
        let narrowed =
            |size: &usize| i32::try_from(*size).map(|size| size as u32).map_err(|_| CudaError::TooMany(*size));
        Ok(Self { sizes: sizes.iter().map(narrowed).collect::<Result<_, _>>()?, ..self })
    }

    /// With so many blocks of 256 threads.
    pub fn run(self, blocks: usize) -> Result<(), CudaError> {
        self.start([blocks, 1, 1], (256, 1, 1))
    }

    /// With a block of 512 threads for each of the groups that `count` values have.
    pub fn run_groups(self, groups: usize, count: usize) -> Result<(), CudaError> {
        if i32::try_from(count).is_err() {
            return Err(CudaError::TooMany(count));
        }
        self.start([groups, 1, 1], (512, 1, 1))
    }

    /// With blocks of 32 × 8 threads.
    pub fn run_turning(self, blocks: [usize; 3]) -> Result<(), CudaError> {
        self.start(blocks, (32, 8, 1))
    }

    fn start(self, blocks: [usize; 3], threads: (u32, u32, u32)) -> Result<(), CudaError> {
        let pointers = self.pointers.iter().map(std::ptr::from_ref).map(|at| at.cast_mut().cast::<c_void>());
        let numbers = self.numbers.iter().map(std::ptr::from_ref).map(|at| at.cast_mut().cast());
        let sizes = self.sizes.iter().map(std::ptr::from_ref).map(|at| at.cast_mut().cast());
        let mut arguments: Vec<*mut c_void> = pointers.chain(numbers).chain(sizes).collect();
        let blocks = blocks.map(|n| n as u32).into();
        self.stream.context().bind_to_thread()?;
        // SAFETY: the callers give each kernel the pointers, numbers and sizes that it takes, in its order, and have
        // compared the sizes with the slices' lengths; the driver copies them before it returns.
        unsafe {
            result::launch_kernel(
                self.kernel.cu_function(),
                blocks,
                threads,
                0,
                self.stream.cu_stream(),
                &mut arguments,
            )
        }?;
        Ok(())
    }
}

/// Blocks of 256 threads, one a value.
pub(super) fn blocks_of(count: usize) -> usize {
    count.div_ceil(256)
}
