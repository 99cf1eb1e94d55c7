//! The convolution family on CUDA: cuDNN's forward, backward-data and
//! backward-filter operations are the three faces, of f32 `(N, C, H, W)` or of bf16 `(N, H, W, C)` summed in f32, whose
//! channels are best multiples of 8: so its tensor cores read them. Weights lie like the activations.
//!
//! The algorithm for a size is asked for once a thread and kept: asking costs
//! more than a small convolution.

use super::cuda::CudaError;
use super::cuda::pool::room;
use super::geometry::Geometry;
use cudarc::cudnn::{ConvBackwardData, ConvBackwardFilter, ConvForward, Cudnn, CudnnDataType, CudnnError, sys};
pub use cudarc::driver::{CudaSlice, CudaView};
use cudarc::driver::{CudaStream, DeviceRepr, ValidAsZeroBits};
use half::bf16;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

/// A number that cuDNN convolves.
pub trait Value: CudnnDataType + DeviceRepr + ValidAsZeroBits + Copy {
    /// 1 and 0: the result is the convolution, and nothing of what was there.
    const SCALING: (Self, Self);
    /// In which order they lie.
    const FORMAT: sys::cudnnTensorFormat_t;
    /// By which units they are multiplied.
    const MATH: sys::cudnnMathType_t;
}

impl Value for f32 {
    const SCALING: (Self, Self) = (1.0, 0.0);
    const FORMAT: sys::cudnnTensorFormat_t = sys::cudnnTensorFormat_t::CUDNN_TENSOR_NCHW;
    const MATH: sys::cudnnMathType_t = sys::cudnnMathType_t::CUDNN_DEFAULT_MATH;
}

impl Value for bf16 {
    const SCALING: (Self, Self) = (bf16::ONE, bf16::ZERO);
    const FORMAT: sys::cudnnTensorFormat_t = sys::cudnnTensorFormat_t::CUDNN_TENSOR_NHWC;
    const MATH: sys::cudnnMathType_t = sys::cudnnMathType_t::CUDNN_TENSOR_OP_MATH;
}

/// Sizes, and cuDNN's number of the type of value.
type Kind = (Geometry, u32);

fn kind<T: Value>(g: &Geometry) -> Kind {
    (*g, T::DATA_TYPE as u32)
}

/// An algorithm and the bytes of memory that it works in.
type Plan<A> = (A, usize);

/// One thread's handle on one stream's device, and the plans found so far.
struct Context {
    stream: Arc<CudaStream>,
    cudnn: Arc<Cudnn>,
    forward: HashMap<Kind, Plan<sys::cudnnConvolutionFwdAlgo_t>>,
    adjoint: HashMap<Kind, Plan<sys::cudnnConvolutionBwdDataAlgo_t>>,
    weight_gradient: HashMap<Kind, Plan<sys::cudnnConvolutionBwdFilterAlgo_t>>,
}

thread_local! {
    /// cuDNN's handles belong to one thread.
    static CONTEXTS: RefCell<Vec<Context>> = const { RefCell::new(Vec::new()) };
}

fn with_context<R>(
    stream: &Arc<CudaStream>,
    f: impl FnOnce(&mut Context) -> Result<R, CudaError>,
) -> Result<R, CudaError> {
    CONTEXTS.with_borrow_mut(|contexts| {
        let known = contexts.iter().position(|context| Arc::ptr_eq(&context.stream, stream));
        let index = match known {
            Some(index) => index,
            None => {
                contexts.push(Context {
                    stream: stream.clone(),
                    cudnn: Cudnn::new(stream.clone())?,
                    forward: HashMap::new(),
                    adjoint: HashMap::new(),
                    weight_gradient: HashMap::new(),
                });
                contexts.len() - 1
            }
        };
        f(&mut contexts[index])
    })
}

type Tensor4<T> = cudarc::cudnn::TensorDescriptor<T>;
type Filter4<T> = cudarc::cudnn::FilterDescriptor<T>;
/// Sums are f32 whatever the factors are.
type Convolution = cudarc::cudnn::ConvDescriptor<f32>;

/// Convolution, input, filter, output.
type Descriptors<T> = (Convolution, Tensor4<T>, Filter4<T>, Tensor4<T>);

/// cuDNN's view of the sizes.
fn describe<T: Value>(cudnn: &Arc<Cudnn>, g: &Geometry) -> Result<Descriptors<T>, CudnnError> {
    let (padding, stride) = (g.padding as i32, g.stride as i32);
    let mut convolution = cudnn.create_conv2d::<f32>(
        [padding, padding],
        [stride, stride],
        [1, 1],
        sys::cudnnConvolutionMode_t::CUDNN_CROSS_CORRELATION,
    )?;
    convolution.set_math_type(T::MATH)?;
    let shape = |channels: usize, (h, w): (usize, usize)| [g.batch as i32, channels as i32, h as i32, w as i32];
    let kernel = g.kernel as i32;
    Ok((
        convolution,
        cudnn.create_4d_tensor::<T>(T::FORMAT, shape(g.in_channels, g.input))?,
        cudnn.create_4d_filter::<T>(T::FORMAT, [g.out_channels as i32, g.in_channels as i32, kernel, kernel])?,
        cudnn.create_4d_tensor::<T>(T::FORMAT, shape(g.out_channels, g.output))?,
    ))
}

/// `y = conv(x, w)`; shapes as in [`super::conv::forward`].
///
/// # Errors
/// When cuDNN or the driver refuses.
pub fn forward<T: Value>(
    g: &Geometry,
    stream: &Arc<CudaStream>,
    x: &CudaView<'_, T>,
    w: &CudaView<'_, T>,
    y: &mut CudaSlice<T>,
) -> Result<(), CudaError> {
    assert_eq!((x.len(), w.len(), y.len()), (g.input_len(), g.weight_len(), g.output_len()));
    with_context(stream, |context| {
        let (conv, input, filter, output) = describe::<T>(&context.cudnn, g)?;
        let op = ConvForward { conv: &conv, x: &input, w: &filter, y: &output };
        let (algorithm, bytes) = match context.forward.get(&kind::<T>(g)) {
            Some(plan) => *plan,
            None => {
                let algorithm = op.pick_algorithm()?;
                let plan = (algorithm, op.get_workspace_size(algorithm)?);
                context.forward.insert(kind::<T>(g), plan);
                plan
            }
        };
        let mut memory = room::<u8>(stream, bytes)?;
        // SAFETY: the descriptors were made from the sizes that the lengths
        // were just compared with, and all values are T in T's order.
        unsafe { op.launch(algorithm, Some(&mut memory), T::SCALING, x, w, y)? };
        Ok(())
    })
}

/// `x = convᵀ(y, w)`; shapes as in [`super::conv::adjoint`].
///
/// # Errors
/// When cuDNN or the driver refuses.
pub fn adjoint<T: Value>(
    g: &Geometry,
    stream: &Arc<CudaStream>,
    y: &CudaView<'_, T>,
    w: &CudaView<'_, T>,
    x: &mut CudaSlice<T>,
) -> Result<(), CudaError> {
    assert_eq!((x.len(), w.len(), y.len()), (g.input_len(), g.weight_len(), g.output_len()));
    with_context(stream, |context| {
        let (conv, input, filter, output) = describe::<T>(&context.cudnn, g)?;
        let op = ConvBackwardData { conv: &conv, dx: &input, w: &filter, dy: &output };
        let (algorithm, bytes) = match context.adjoint.get(&kind::<T>(g)) {
            Some(plan) => *plan,
            None => {
                let algorithm = op.pick_algorithm()?;
                let plan = (algorithm, op.get_workspace_size(algorithm)?);
                context.adjoint.insert(kind::<T>(g), plan);
                plan
            }
        };
        let mut memory = room::<u8>(stream, bytes)?;
        // SAFETY: as in `forward`.
        unsafe { op.launch(algorithm, Some(&mut memory), T::SCALING, x, w, y)? };
        Ok(())
    })
}

/// `w = wgrad(x, y)`; shapes as in [`super::conv::weight_gradient`].
///
/// # Errors
/// When cuDNN or the driver refuses.
pub fn weight_gradient<T: Value>(
    g: &Geometry,
    stream: &Arc<CudaStream>,
    x: &CudaView<'_, T>,
    y: &CudaView<'_, T>,
    w: &mut CudaSlice<T>,
) -> Result<(), CudaError> {
    assert_eq!((x.len(), w.len(), y.len()), (g.input_len(), g.weight_len(), g.output_len()));
    with_context(stream, |context| {
        let (conv, input, filter, output) = describe::<T>(&context.cudnn, g)?;
        let op = ConvBackwardFilter { conv: &conv, x: &input, dw: &filter, dy: &output };
        let (algorithm, bytes) = match context.weight_gradient.get(&kind::<T>(g)) {
            Some(plan) => *plan,
            None => {
                let algorithm = op.pick_algorithm()?;
                let plan = (algorithm, op.get_workspace_size(algorithm)?);
                context.weight_gradient.insert(kind::<T>(g), plan);
                plan
            }
        };
        let mut memory = room::<u8>(stream, bytes)?;
        // SAFETY: as in `forward`.
        unsafe { op.launch(algorithm, Some(&mut memory), T::SCALING, x, w, y)? };
        Ok(())
    })
}
