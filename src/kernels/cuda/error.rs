//! What can fail on the way.

use cudarc::cudnn::CudnnError;
use cudarc::driver::DriverError;
use cudarc::nvrtc::CompileError;
use thiserror::Error;

/// Why the plan does not draw on CUDA.
#[derive(Debug, Error)]
pub enum CudaPlanError {
    /// cuDNN refused.
    #[error("cuDNN: {0:?}")]
    Cudnn(CudnnError),
    /// cuDNN knows no way for a convolution that gives the same bytes each time within the memory it may take.
    #[error("cuDNN has no algorithm for {0}")]
    NoAlgorithm(String),
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

impl From<CudnnError> for CudaPlanError {
    fn from(error: CudnnError) -> Self {
        Self::Cudnn(error)
    }
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
