//! A network on a device: its parameters, and an arena for each of the last sizes of pictures.

use super::arena::{Arena, Tools, address};
use super::arguments::{Address, Parameters};
use super::error::CudaError;
use super::module::Kernels;
use super::program::{Program, Weight};
use super::recorder::Recorder;
use cudarc::driver::{CudaEvent, CudaSlice, CudaStream, CudaView, DevicePtr};
use half::bf16;
use std::sync::Arc;

/// Sizes of pictures whose buffers are kept: a service draws batches of several sizes in turn.
const SIZES: usize = 4;

/// Bytes that they may have together; one of more is kept alone.
const MOST_BYTES: usize = 4 << 30;

/// Draws programs of one network on one device.
///
/// candle's stream is each thread's own. What a thread has started here is recorded as an event, which the next thread's
/// stream waits for; so the work of all threads runs one after another, as if on one stream.
pub struct Machine {
    /// The most recent size last. Dropped before what it refers to.
    arenas: Vec<Arena>,
    weights: Vec<Weight>,
    addresses: Vec<Address>,
    /// All layers' scales and shifts, on the device and as they were last written.
    affine: (CudaSlice<f32>, Vec<f32>),
    tools: Tools,
    /// All work until now.
    done: CudaEvent,
    _memory: Vec<CudaSlice<bf16>>,
}

// SAFETY: a CUDA graph and a stream that records may be used by one thread at a time, whichever; all use of them takes
// `&mut Machine`.
unsafe impl Send for Machine {}

impl Machine {
    /// A network of these weights and of `affine` scales and shifts, in bf16.
    ///
    /// # Errors
    /// When a library is missing or refuses, or memory is short.
    pub fn new(stream: Arc<CudaStream>, weights: Vec<Weight>, affine: usize) -> Result<Self, CudaError> {
        stream.context().bind_to_thread()?;
        let mut memory = Vec::new();
        for weight in &weights {
            let (outputs, inputs, kernel) = weight.shape;
            if weight.values.len() != outputs * inputs * kernel * kernel {
                return Err(CudaError::Program(format!("a weight {:?} has not its number of values", weight.shape)));
            }
            let values: Vec<bf16> = weight.values.iter().map(|value| bf16::from_f32(*value)).collect();
            memory.push(stream.clone_htod(&values)?);
        }
        // Only their shapes are asked for from now on.
        let shapes = weights.into_iter().map(|weight| Weight { values: Vec::new(), ..weight });
        Ok(Self {
            arenas: Vec::new(),
            weights: shapes.collect(),
            addresses: memory.iter().map(|weight| address(weight, &stream)).collect(),
            affine: (stream.alloc_zeros(affine.max(1))?, vec![0.0; affine]),
            done: stream.record_event(None)?,
            tools: Tools {
                kernels: Kernels::new(stream.context())?,
                recorder: Recorder::new(stream.context())?,
                stream,
            },
            _memory: memory,
        })
    }

    /// The picture `(N, C, H, W)` of a photo `(N, C, H, W)`, on the stream. `program` makes the program for pictures of
    /// that batch, height and width.
    ///
    /// # Errors
    /// When the program is not sound or does not fit the photo, or the device fails.
    pub fn draw(
        &mut self,
        size: (usize, usize, usize),
        program: impl Fn() -> Program,
        affine: &[f32],
        photo: &CudaView<'_, f32>,
    ) -> Result<CudaSlice<f32>, CudaError> {
        self.tools.stream.context().bind_to_thread()?;
        self.tools.stream.wait(&self.done)?;
        let drawn = self.draw_alone(size, program, affine, photo);
        // Also after a failure: some of it may have started.
        self.done.record(&self.tools.stream)?;
        drawn
    }

    fn draw_alone(
        &mut self,
        size: (usize, usize, usize),
        program: impl Fn() -> Program,
        affine: &[f32],
        photo: &CudaView<'_, f32>,
    ) -> Result<CudaSlice<f32>, CudaError> {
        if affine.len() != self.affine.1.len() {
            return Err(CudaError::Program(format!("{} scales and shifts, not {}", affine.len(), self.affine.1.len())));
        }
        if self.affine.1 != affine {
            self.tools.stream.memcpy_htod(affine, &mut self.affine.0)?;
            self.affine.1.copy_from_slice(affine);
        }
        let mut arena = self.arena(size, program)?;
        let program = &arena.program;
        let (height, width) = program.size();
        let pixels = program.batch * height * width;
        if photo.len() != pixels * program.photo_channels {
            return Err(CudaError::Program(format!("a photo of {} values is not {size:?}", photo.len())));
        }
        // SAFETY: the kernel `picture` writes all of it.
        let picture = unsafe { self.tools.stream.alloc::<f32>(pixels * program.channels) }?;
        let (photo, _read) = photo.device_ptr(&self.tools.stream);
        // SAFETY: photo and picture have the program's sizes; arena and parameters are this machine's, whose last work
        // the stream waits for, and which are freed only when that is done.
        unsafe { arena.draw(&self.tools, photo, address(&picture, &self.tools.stream)) }?;
        self.arenas.push(arena);
        while self.arenas.len() > 1 && self.arenas.iter().map(|arena| arena.bytes).sum::<usize>() > MOST_BYTES {
            self.arenas.remove(0);
        }
        Ok(picture)
    }

    /// The arena for a size, taken out; one that fails is not put back.
    fn arena(&mut self, size: (usize, usize, usize), program: impl Fn() -> Program) -> Result<Arena, CudaError> {
        let of = |arena: &Arena| (arena.program.batch, arena.program.size().0, arena.program.size().1);
        if let Some(known) = self.arenas.iter().position(|arena| of(arena) == size) {
            return Ok(self.arenas.remove(known));
        }
        if self.arenas.len() >= SIZES {
            self.arenas.remove(0);
        }
        let made = self.make(program());
        if made.is_ok() || self.arenas.is_empty() {
            return made;
        }
        // Memory may be short: the other sizes can be had again.
        self.arenas.clear();
        self.make(program())
    }

    fn make(&self, program: Program) -> Result<Arena, CudaError> {
        program.check(&self.weights, self.affine.1.len()).map_err(CudaError::Program)?;
        let affine = address(&self.affine.0, &self.tools.stream);
        let parameters = Parameters { weights: &self.weights, addresses: &self.addresses, affine };
        Arena::new(program, &self.tools, &parameters)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Memory is freed on the stream of the thread that drops it, which knows nothing of another's work.
        let _ = self.done.synchronize();
    }
}
