//! A program with its memory on the device: buffers, arguments, and the graph of all its calls.

use super::arguments::{Address, Convolve, Finish, Grid, Moments, Parameters, Photo, Picture, Shape, chunks};
use super::error::CudaError;
use super::module::Kernels;
use super::program::{Area, Call, Program};
use super::recorder::{Graph, Recorder};
use cudarc::driver::{CudaSlice, CudaStream, DevicePtr, DeviceRepr, ValidAsZeroBits};
use half::bf16;
use std::sync::Arc;

/// What runs a program.
pub(super) struct Tools {
    pub stream: Arc<CudaStream>,
    pub kernels: Kernels,
    pub recorder: Recorder,
}

/// All that drawing pictures of one size needs besides the parameters.
pub(super) struct Arena {
    pub program: Program,
    /// What it takes of the device's memory.
    pub bytes: usize,
    steps: Vec<Step>,
    photo: Address,
    last: Address,
    affine: Address,
    replay: Replay,
    /// What the addresses point into.
    _memory: (Vec<CudaSlice<bf16>>, CudaSlice<f32>),
}

/// A call with its addresses.
enum Step {
    Convolve((Convolve, Shape)),
    Moments((Moments, Grid, Grid)),
    Finish((Finish, Grid)),
}

/// How the calls reach the device.
enum Replay {
    /// One by one: a size that is drawn once needs no graph.
    First,
    /// To be recorded now: what is drawn twice will be drawn again.
    Second,
    /// As one graph.
    Graph(Graph),
    /// One by one, since they could not be recorded.
    Never,
}

impl Arena {
    /// The program must have passed its check with these weights.
    pub fn new(program: Program, tools: &Tools, parameters: &Parameters<'_>) -> Result<Self, CudaError> {
        let stream = &tools.stream;
        let batch = program.batch;
        let buffers = program.buffers.iter().map(|len| stream.alloc_zeros(1.max(*len)));
        let buffers: Vec<CudaSlice<bf16>> = buffers.collect::<Result<_, _>>()?;
        let addresses: Vec<_> = buffers.iter().map(|buffer| address(buffer, stream)).collect();
        let at = |area: &Area| addresses[area.buffer];

        // Means and deviations of one layer at a time, behind the sums of its chunks.
        let normalised = program.calls.iter().filter_map(|call| match call {
            Call::Moments(sum) => Some(sum),
            _ => None,
        });
        let (mut partial, mut whole) = (0, 0);
        for sum in normalised {
            let each = 2 * batch * sum.channels;
            (partial, whole) = (partial.max(each * chunks(sum)), whole.max(each));
        }
        let moments: CudaSlice<f32> = stream.alloc_zeros(1.max(partial + whole))?;
        let partial_at = address(&moments, stream);
        let whole_at = partial_at + 4 * partial as Address;

        let step = |call: &Call| match call {
            Call::Convolve(terms, end) => Convolve::new(batch, (terms, end), &at, parameters, tools.kernels.shared)
                .map(Step::Convolve)
                .ok_or_else(|| CudaError::TooWide(format!("{terms:?}"))),
            Call::Moments(sum) => Ok(Step::Moments(Moments::new(batch, sum, &at, (partial_at, whole_at)))),
            Call::Finish { sum, normalised, end } => {
                let moments = normalised.then_some(whole_at);
                Ok(Step::Finish(Finish::new(batch, (sum, end), &at, (moments, parameters.affine))))
            }
        };
        let steps = program.calls.iter().map(step).collect::<Result<_, _>>()?;
        Ok(Self {
            photo: at(&program.photo),
            last: at(&program.last),
            affine: parameters.affine,
            bytes: buffers.iter().map(CudaSlice::num_bytes).sum::<usize>() + moments.num_bytes(),
            program,
            steps,
            replay: Replay::First,
            _memory: (buffers, moments),
        })
    }

    /// Draws the picture of a photo.
    ///
    /// # Safety
    /// `photo` and `picture` must hold f32 `(N, C, H, W)` of the program's photo and picture, and the parameters must be
    /// those of [`Self::new`], until the stream has run it. The stream's context must be the thread's current one; what
    /// another stream still does with this arena or the parameters, the stream must wait for.
    pub unsafe fn draw(&mut self, tools: &Tools, photo: Address, picture: Address) -> Result<(), CudaError> {
        let Tools { stream, kernels, .. } = tools;
        if matches!(self.replay, Replay::Second) {
            // SAFETY: nothing runs yet; the graph goes when the arena does.
            self.replay = match tools.recorder.record(|stream| unsafe { self.calls(tools, stream) }) {
                Ok(graph) => Replay::Graph(graph),
                Err(error) => {
                    tracing::warn!(%error, "the layers cannot be recorded as a CUDA graph and are started one by one");
                    Replay::Never
                }
            };
        }
        // SAFETY: the program was checked, so its areas lie in the arena's buffers; the rest is the caller's word. The
        // photo and the picture are not in the graph: they lie elsewhere each time.
        unsafe {
            kernels.photo(stream, &Photo::new(&self.program, photo, self.photo))?;
            if let Replay::Graph(graph) = &self.replay {
                graph.launch(stream)?;
            } else {
                self.calls(tools, stream)?;
            }
            kernels.picture(stream, &Picture::new(&self.program, (self.last, self.affine), photo, picture))?;
        }
        if matches!(self.replay, Replay::First) {
            self.replay = Replay::Second;
        }
        Ok(())
    }

    /// Starts all calls one after another on a stream.
    ///
    /// # Safety
    /// As for [`Self::draw`].
    unsafe fn calls(&self, tools: &Tools, stream: &CudaStream) -> Result<(), CudaError> {
        for step in &self.steps {
            // SAFETY: addresses and sizes are those of the checked program.
            unsafe {
                match step {
                    Step::Convolve(arguments) => tools.kernels.convolve(stream, arguments)?,
                    Step::Moments(arguments) => tools.kernels.moments(stream, arguments)?,
                    Step::Finish(arguments) => tools.kernels.finish(stream, arguments)?,
                }
            }
        }
        Ok(())
    }
}

/// Where a slice lies. The stream has written it, and all who use it wait for that stream.
pub(super) fn address<T: DeviceRepr + ValidAsZeroBits>(slice: &CudaSlice<T>, stream: &CudaStream) -> Address {
    slice.device_ptr(stream).0
}
