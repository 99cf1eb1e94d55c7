//! What can fail on the way.

use cudarc::cudnn::CudnnError;
use cudarc::driver::DriverError;
use cudarc::nvrtc::CompileError;
use thiserror::Error;

/// Why something is not computed on CUDA.
#[derive(Debug, Error)]
pub enum CudaError {
    /// The driver refused, as when memory is short.
    #[error("CUDA: {0:?}")]
    Driver(DriverError),
    /// cuDNN refused.
    #[error("cuDNN: {0:?}")]
    Cudnn(CudnnError),
    /// NVRTC refused the kernels.
    #[error("NVRTC: {0:?}")]
    Compile(CompileError),
    /// The device's blocks have too little shared memory for a layer's windows.
    #[error("no block of this GPU has room for {0}")]
    TooWide(String),
    /// A kernel numbers its values by 32 bits.
    #[error("{0} values are too many for one step of a GPU: use smaller batches or crops")]
    TooMany(usize),
    /// What is asked for makes no sense.
    #[error("{0}")]
    Program(String),
}

impl From<DriverError> for CudaError {
    fn from(error: DriverError) -> Self {
        Self::Driver(error)
    }
}

impl From<CudnnError> for CudaError {
    fn from(error: CudnnError) -> Self {
        Self::Cudnn(error)
    }
}

impl From<CompileError> for CudaError {
    fn from(error: CompileError) -> Self {
        Self::Compile(error)
    }
}
