//! A convolution of one size: cuDNN's descriptors and the algorithm, chosen once.

use super::arguments::Address;
use super::descriptors::{Activations, Filter, Handle, Windows};
use super::error::CudaPlanError;
use super::program::{Convolution, Weight};
use cudarc::cudnn::{CudnnError, result, sys};
use std::ffi::{c_int, c_void};

/// Bytes of memory that an algorithm may work in.
const MOST_WORKSPACE: usize = 256 << 20;

/// A convolution that is ready to run.
pub(super) struct Planned {
    windows: Windows,
    input: Activations,
    filter: Filter,
    output: Activations,
    algorithm: Algorithm,
    /// Bytes that it works in.
    pub workspace: usize,
}

#[derive(Clone, Copy)]
enum Algorithm {
    Forward(sys::cudnnConvolutionFwdAlgo_t),
    /// A transposed convolution is the derivative by the data.
    Backward(sys::cudnnConvolutionBwdDataAlgo_t),
}

impl Planned {
    /// Asks cuDNN's heuristics for the fastest algorithm that gives the same bytes each time.
    pub fn new(handle: &Handle, call: &Convolution, weight: &Weight, batch: usize) -> Result<Self, CudaPlanError> {
        let mut planned = Self {
            windows: Windows::new(call.stride, call.padding)?,
            input: Activations::new(&call.input, batch)?,
            filter: Filter::new(weight.shape)?,
            output: Activations::new(&call.output, batch)?,
            algorithm: Algorithm::Forward(sys::cudnnConvolutionFwdAlgo_t::CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM),
            workspace: 0,
        };
        let found = if call.transposed { planned.backward(handle)? } else { planned.forward(handle)? };
        let Some((algorithm, math)) = found else { return Err(CudaPlanError::NoAlgorithm(format!("{call:?}"))) };
        planned.windows.multiply_by(math)?;
        planned.algorithm = algorithm;
        planned.workspace = planned.needed(handle)?;
        Ok(planned)
    }

    fn forward(&self, handle: &Handle) -> Result<Option<(Algorithm, sys::cudnnMathType_t)>, CudnnError> {
        const ALL: usize = sys::cudnnConvolutionFwdAlgo_t::CUDNN_CONVOLUTION_FWD_ALGO_COUNT as usize;
        // SAFETY: numbers and enums whose first variant is 0.
        let mut answers: [sys::cudnnConvolutionFwdAlgoPerf_t; ALL] = unsafe { std::mem::zeroed() };
        let mut count = 0;
        // SAFETY: the descriptors live, and there is room for as many answers as are asked for.
        unsafe {
            result::get_convolution_forward_algorithm(
                handle.0,
                self.input.0,
                self.filter.0,
                self.windows.0,
                self.output.0,
                ALL as c_int,
                &raw mut count,
                answers.as_mut_ptr(),
            )
        }?;
        let answers = answers.into_iter().take(usize::try_from(count).unwrap_or(0));
        let mut sound = answers.filter(|answer| fits(answer.status, answer.determinism, answer.memory));
        Ok(sound.next().map(|answer| (Algorithm::Forward(answer.algo), answer.mathType)))
    }

    fn backward(&self, handle: &Handle) -> Result<Option<(Algorithm, sys::cudnnMathType_t)>, CudnnError> {
        const ALL: usize = sys::cudnnConvolutionBwdDataAlgo_t::CUDNN_CONVOLUTION_BWD_DATA_ALGO_COUNT as usize;
        // SAFETY: numbers and enums whose first variant is 0.
        let mut answers: [sys::cudnnConvolutionBwdDataAlgoPerf_t; ALL] = unsafe { std::mem::zeroed() };
        let mut count = 0;
        // SAFETY: as in `forward`.
        unsafe {
            result::get_convolution_backward_data_algorithm(
                handle.0,
                self.filter.0,
                self.input.0,
                self.windows.0,
                self.output.0,
                ALL as c_int,
                &raw mut count,
                answers.as_mut_ptr(),
            )
        }?;
        let answers = answers.into_iter().take(usize::try_from(count).unwrap_or(0));
        let mut sound = answers.filter(|answer| fits(answer.status, answer.determinism, answer.memory));
        Ok(sound.next().map(|answer| (Algorithm::Backward(answer.algo), answer.mathType)))
    }

    fn needed(&self, handle: &Handle) -> Result<usize, CudnnError> {
        let Self { windows, input, filter, output, .. } = self;
        // SAFETY: handle and descriptors live.
        unsafe {
            match self.algorithm {
                Algorithm::Forward(algorithm) => result::get_convolution_forward_workspace_size(
                    handle.0, input.0, filter.0, windows.0, output.0, algorithm,
                ),
                Algorithm::Backward(algorithm) => result::get_convolution_backward_data_workspace_size(
                    handle.0, filter.0, input.0, windows.0, output.0, algorithm,
                ),
            }
        }
    }

    /// Writes the output; what was there is not read.
    ///
    /// # Safety
    /// The addresses must hold the areas and the weight that this was planned for and `self.workspace` bytes, until the
    /// handle's stream has run it.
    pub unsafe fn run(
        &self,
        handle: &Handle,
        (input, weight, output): (Address, Address, Address),
        workspace: Address,
    ) -> Result<(), CudnnError> {
        // cuDNN scales bf16 by f32 numbers.
        let (one, zero) = (1.0f32, 0.0f32);
        let (one, zero) = (std::ptr::from_ref(&one).cast(), std::ptr::from_ref(&zero).cast());
        let (from, by) = (input as *const c_void, weight as *const c_void);
        let (to, room) = (output as *mut c_void, workspace as *mut c_void);
        let (x, w, y, windows) = (self.input.0, self.filter.0, self.output.0, self.windows.0);
        // SAFETY: the descriptors live, the factors are read before the call returns, and the addresses hold what the
        // descriptors say by the caller's word.
        unsafe {
            match self.algorithm {
                Algorithm::Forward(algorithm) => result::convolution_forward(
                    handle.0,
                    one,
                    x,
                    from,
                    w,
                    by,
                    windows,
                    algorithm,
                    room,
                    self.workspace,
                    zero,
                    y,
                    to,
                ),
                Algorithm::Backward(algorithm) => result::convolution_backward_data(
                    handle.0,
                    one,
                    w,
                    by,
                    x,
                    from,
                    windows,
                    algorithm,
                    room,
                    self.workspace,
                    zero,
                    y,
                    to,
                ),
            }
        }
    }
}

fn fits(status: sys::cudnnStatus_t, determinism: sys::cudnnDeterminism_t, memory: usize) -> bool {
    status == sys::cudnnStatus_t::CUDNN_STATUS_SUCCESS
        && determinism == sys::cudnnDeterminism_t::CUDNN_DETERMINISTIC
        && memory <= MOST_WORKSPACE
}
