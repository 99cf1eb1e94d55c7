//! What can fail on the way.

use cudarc::driver::DriverError;
use cudarc::nvrtc::CompileError;
use thiserror::Error;

/// Why the plan does not draw on CUDA.
#[derive(Debug, Error)]
pub enum CudaPlanError {
    /// The device's blocks have too little shared memory for a layer's windows.
    #[error("no block of this GPU has room for {0}")]
    TooWide(String),
    /// The driver refused, as when memory is short.
    #[error("CUDA: {0:?}")]
    Driver(DriverError),
    /// NVRTC refused the kernels.
    #[error("NVRTC: {0:?}")]
    Compile(CompileError),
    /// The program, or what is given to it, does not fit.
    #[error("{0}")]
    Program(String),
}

impl From<DriverError> for CudaPlanError {
    fn from(error: DriverError) -> Self {
        Self::Driver(error)
    }
}

impl From<CompileError> for CudaPlanError {
    fn from(error: CompileError) -> Self {
        Self::Compile(error)
    }
}
