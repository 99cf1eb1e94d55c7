//! cuDNN's handle and descriptors, freed when they are dropped. cudarc's own do not show the pointers, which the queries
//! for all algorithms ask for.

use super::program::Area;
use cudarc::cudnn::{CudnnError, result, sys};
use cudarc::driver::CudaStream;
use std::ffi::c_int;

const BF16: sys::cudnnDataType_t = sys::cudnnDataType_t::CUDNN_DATA_BFLOAT16;
const CHANNELS_LAST: sys::cudnnTensorFormat_t = sys::cudnnTensorFormat_t::CUDNN_TENSOR_NHWC;

/// cuDNN. One thread at a time may use it.
pub(super) struct Handle(pub sys::cudnnHandle_t);

impl Handle {
    /// Of the thread's current context.
    pub fn new() -> Result<Self, CudnnError> {
        result::create_handle().map(Self)
    }

    /// Where what follows is to run.
    pub fn set_stream(&self, stream: &CudaStream) -> Result<(), CudnnError> {
        // SAFETY: handle and stream live. A stream that is gone would be an error of what follows, which sets its own.
        unsafe { result::set_stream(self.0, stream.cu_stream() as *mut _) }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: made by `new`, and nothing uses it any more. An error here has nobody to go to.
        let _ = unsafe { result::destroy_handle(self.0) };
    }
}

/// The form of channels-last bf16 activations.
pub(super) struct Activations(pub sys::cudnnTensorDescriptor_t);

impl Activations {
    /// Of an area with all that is around it.
    pub fn new(area: &Area, batch: usize) -> Result<Self, CudnnError> {
        let descriptor = Self(result::create_tensor_descriptor()?);
        let (height, width) = area.sides();
        let dims = [batch, area.channels, height, width].map(|side| side as c_int);
        // SAFETY: the descriptor is new.
        unsafe { result::set_tensor4d_descriptor(descriptor.0, CHANNELS_LAST, BF16, dims) }?;
        Ok(descriptor)
    }
}

impl Drop for Activations {
    fn drop(&mut self) {
        // SAFETY: made by `new`, and nothing uses it any more.
        let _ = unsafe { result::destroy_tensor_descriptor(self.0) };
    }
}

/// The form of a weight `(A, K, K, B)`, which cuDNN gives the sizes of as A, B, K, K.
pub(super) struct Filter(pub sys::cudnnFilterDescriptor_t);

impl Filter {
    pub fn new((a, b, kernel): (usize, usize, usize)) -> Result<Self, CudnnError> {
        let descriptor = Self(result::create_filter_descriptor()?);
        let dims = [a, b, kernel, kernel].map(|side| side as c_int);
        // SAFETY: the descriptor is new.
        unsafe { result::set_filter4d_descriptor(descriptor.0, BF16, CHANNELS_LAST, dims) }?;
        Ok(descriptor)
    }
}

impl Drop for Filter {
    fn drop(&mut self) {
        // SAFETY: made by `new`, and nothing uses it any more.
        let _ = unsafe { result::destroy_filter_descriptor(self.0) };
    }
}

/// How a window moves; sums are f32.
pub(super) struct Windows(pub sys::cudnnConvolutionDescriptor_t);

impl Windows {
    pub fn new(stride: usize, padding: usize) -> Result<Self, CudnnError> {
        let descriptor = Self(result::create_convolution_descriptor()?);
        let (stride, padding) = (stride as c_int, padding as c_int);
        let mode = sys::cudnnConvolutionMode_t::CUDNN_CROSS_CORRELATION;
        let sums = sys::cudnnDataType_t::CUDNN_DATA_FLOAT;
        // SAFETY: the descriptor is new.
        unsafe {
            result::set_convolution2d_descriptor(descriptor.0, padding, padding, stride, stride, 1, 1, mode, sums)
        }?;
        descriptor.multiply_by(sys::cudnnMathType_t::CUDNN_TENSOR_OP_MATH)?;
        Ok(descriptor)
    }

    /// By which units it multiplies.
    pub fn multiply_by(&self, math: sys::cudnnMathType_t) -> Result<(), CudnnError> {
        // SAFETY: made by `new`.
        unsafe { result::set_convolution_math_type(self.0, math) }
    }
}

impl Drop for Windows {
    fn drop(&mut self) {
        // SAFETY: made by `new`, and nothing uses it any more.
        let _ = unsafe { result::destroy_convolution_descriptor(self.0) };
    }
}
