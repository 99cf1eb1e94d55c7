//! Convolutions of many channels with fewer products, by Winograd's F(m×m, r×r) (Lavin, Gray 2016, §4.1): 36 for 144 where
//! windows are 3×3, 25 for 64 where they are 4×4, which are sums of four small windows of 2×2.
//!
//! The trilinear form of convolution becomes one of points, `Σ (A x)ᵢ (B w)ᵢ (C y)ᵢ`, so its three faces take the same
//! three transforms or their transposes, and a matrix product at each point, by the inference plan's kernels.

mod faces;
mod form;
mod interleave;
mod layout;
mod product;
pub(super) mod side;
#[cfg(test)]
mod tests;
mod transform;

use super::geometry::Geometry;
#[cfg(target_arch = "x86_64")]
use super::plan::{Avx2, Avx512};
use super::plan::{Kernel, Portable, Vector};
use faces::{Adjoint, Forward, Gradient};
use form::Form;
use layout::{COLUMNS, Inputs, Outputs};
use product::{Points, Weights};
use rayon::prelude::*;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::ops::Range;

/// Of so few output pixels the time is that of reading the weights, whose points are more.
const PIXELS: usize = 256;
/// Fewer channels would spend more on transforms than they save.
const CHANNELS: usize = 16;
/// Bytes of a task's points that are worth having at once: they stay in the L2 cache.
const CACHE: usize = 1024 * 1024;
/// Slots whose products are summed before the sums are written.
const SLOTS: usize = 4 * COLUMNS;
/// Tasks of a weight gradient.
const TASKS: usize = 8;

/// A thread's memory, kept from call to call.
#[derive(Default)]
struct Scratch {
    inputs: Points,
    outputs: Points,
    lines: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Rows of tiles of a picture, which begin with a slot of their chunk's points.
#[derive(Clone)]
struct Strip {
    picture: usize,
    rows: Range<usize>,
    slot: usize,
}

/// A convolution that goes this way.
pub(super) struct Winograd<'a> {
    g: &'a Geometry,
    form: Form,
    inputs: Inputs,
    outputs: Outputs,
}

/// Calls a method that is generic over the kernel with the best that the machine has.
macro_rules! by_kernel {
    ($self:ident.$method:ident($($argument:expr),*)) => {{
        #[cfg(target_arch = "x86_64")]
        {
            if Avx512::INSTRUCTIONS.available() {
                return $self.$method::<Avx512>($($argument),*);
            }
            if Avx2::INSTRUCTIONS.available() {
                return $self.$method::<Avx2>($($argument),*);
            }
        }
        $self.$method::<Portable>($($argument),*)
    }};
}

impl<'a> Winograd<'a> {
    /// That of `g`, if it has a form that pays.
    pub(super) fn of(g: &'a Geometry) -> Option<Self> {
        let many = g.in_channels.min(g.out_channels) >= CHANNELS;
        let form = Form::of(g).filter(|_| many && g.in_pixels() > 0 && g.batch * g.out_pixels() > PIXELS)?;
        Some(Self::new(g, form))
    }

    fn new(g: &'a Geometry, form: Form) -> Self {
        let ((height, width), columns) = (g.input, g.output.1.div_ceil(form.tile));
        let inputs = Inputs { form, height, width, padding: g.padding, columns };
        Self { g, form, inputs, outputs: Outputs { form, width: g.output.1, columns } }
    }

    /// Channels of a point's inputs, each small window's its own.
    fn depth(&self) -> usize {
        self.g.in_channels * self.form.windows()
    }

    /// The strips of some pictures, chunks of them with about `slots` slots.
    fn chunks<K: Kernel>(&self, pictures: Range<usize>, slots: usize) -> Vec<Vec<Strip>> {
        let (height, columns) = (self.g.output.0.div_ceil(self.form.tile), self.inputs.columns);
        let rows = (slots / columns).clamp(1, height);
        let mut chunks = Vec::new();
        let (mut chunk, mut slot) = (Vec::new(), 0);
        for (picture, first) in pictures.flat_map(|picture| (0..height).step_by(rows).map(move |row| (picture, row))) {
            let rows = first..(first + rows).min(height);
            let taken = (rows.len() * columns).next_multiple_of(K::Vector::WIDTH);
            if slot > 0 && slot + taken > slots {
                chunks.push(std::mem::take(&mut chunk));
                slot = 0;
            }
            chunk.push(Strip { picture, rows, slot });
            slot += taken;
        }
        chunks.push(chunk);
        chunks
    }

    /// Slots that the strips of a chunk take.
    fn slots<K: Kernel>(&self, chunk: &[Strip]) -> usize {
        let taken =
            |strip: &Strip| strip.slot + (strip.rows.len() * self.inputs.columns).next_multiple_of(K::Vector::WIDTH);
        chunk.last().map_or(0, taken)
    }

    /// Slots of a chunk whose points have so many channels in all.
    fn slots_of(&self, channels: usize) -> usize {
        let slot = self.form.points() * channels * size_of::<f32>();
        (CACHE / slot).next_multiple_of(COLUMNS).clamp(4 * COLUMNS, 8 * COLUMNS)
    }

    /// The input planes of a picture.
    fn input<'b>(&self, x: &'b [f32], picture: usize) -> &'b [f32] {
        let len = self.g.in_channels * self.g.in_pixels();
        &x[picture * len..][..len]
    }

    /// The output planes of a picture.
    fn output<'b>(&self, y: &'b [f32], picture: usize) -> &'b [f32] {
        let len = self.g.out_channels * self.g.out_pixels();
        &y[picture * len..][..len]
    }

    /// See [`super::conv::forward`].
    pub(super) fn forward(&self, x: &[f32], w: &[f32], y: &mut [f32]) {
        by_kernel!(self.forward_by(x, w, y));
    }

    fn forward_by<K: Kernel<Value = f32>>(&self, x: &[f32], w: &[f32], y: &mut [f32]) {
        let (g, height) = (self.g, self.g.output.0.div_ceil(self.form.tile));
        let weights = Weights::by_outputs(g, &self.form, w);
        // Chunks for every thread, which changes no sum.
        let all = g.batch * height * self.inputs.columns;
        let slots = self.slots_of(self.depth() + g.out_channels).min(all / (2 * rayon::current_num_threads()));
        let chunks = self.chunks::<K>(0..g.batch, slots.max(COLUMNS));
        // Each strip of each picture writes rows of its own of every plane.
        let strip_rows = chunks[0][0].rows.len();
        let strips = height.div_ceil(strip_rows);
        let mut targets: Vec<Vec<&mut [f32]>> =
            (0..g.batch * strips).map(|_| Vec::with_capacity(g.out_channels)).collect();
        for (i, plane) in y.chunks_exact_mut(g.out_pixels()).enumerate() {
            for (strip, rows) in plane.chunks_mut(strip_rows * self.form.tile * g.output.1).enumerate() {
                targets[i / g.out_channels * strips + strip].push(rows);
            }
        }
        let mut targets = targets.into_iter();
        let tasks: Vec<_> = chunks.iter().map(|chunk| (chunk, targets.by_ref().take(chunk.len()).collect())).collect();
        tasks.into_par_iter().for_each(|(chunk, targets): (_, Vec<_>)| {
            let task = Forward::<K> {
                of: self,
                x,
                weights: &weights,
                chunk,
                targets: RefCell::new(targets),
                kernel: PhantomData,
            };
            // SAFETY: the kernel is one that the machine has.
            unsafe { K::work(&task) }
        });
    }

    /// See [`super::conv::adjoint`].
    pub(super) fn adjoint(&self, y: &[f32], w: &[f32], x: &mut [f32]) {
        by_kernel!(self.adjoint_by(y, w, x));
    }

    fn adjoint_by<K: Kernel<Value = f32>>(&self, y: &[f32], w: &[f32], x: &mut [f32]) {
        let g = self.g;
        let weights = Weights::by_inputs(g, &self.form, w);
        // Small pictures together; few blocks of channels: each makes the outputs' points anew.
        let of_picture = self.g.output.0.div_ceil(self.form.tile) * self.inputs.columns;
        let pictures = COLUMNS.div_ceil(of_picture).min(g.batch);
        let groups = g.batch.div_ceil(pictures);
        let block = g.in_channels.div_ceil((2 * rayon::current_num_threads()).div_ceil(groups)).max(CHANNELS);
        let blocks = g.in_channels.div_ceil(block);
        let mut targets: Vec<Vec<&mut [f32]>> = (0..groups * blocks).map(|_| Vec::with_capacity(pictures)).collect();
        for (picture, x) in x.chunks_mut(g.in_channels * g.in_pixels()).enumerate() {
            for (i, x) in x.chunks_mut(block * g.in_pixels()).enumerate() {
                targets[picture / pictures * blocks + i].push(x);
            }
        }
        targets.into_par_iter().enumerate().for_each(|(task, targets)| {
            let (first, channel) = (task / blocks * pictures, task % blocks * block);
            let task = Adjoint::<K> {
                of: self,
                y,
                weights: &weights,
                first: (first, channel),
                targets: RefCell::new(targets),
                kernel: PhantomData,
            };
            // SAFETY: the kernel is one that the machine has.
            unsafe { K::work(&task) }
        });
    }

    /// See [`super::conv::weight_gradient`].
    pub(super) fn weight_gradient(&self, x: &[f32], y: &[f32], w: &mut [f32]) {
        by_kernel!(self.weight_gradient_by(x, y, w));
    }

    fn weight_gradient_by<K: Kernel<Value = f32>>(&self, x: &[f32], y: &[f32], w: &mut [f32]) {
        let g = self.g;
        // Groups of pictures, whose sums are added up in order, and blocks of input channels: of one group, some.
        let slots = g.batch * g.output.0.div_ceil(self.form.tile) * self.inputs.columns;
        let block = g.in_channels.min(4 * CHANNELS);
        let groups = (TASKS / g.in_channels.div_ceil(block)).min(slots / SLOTS).clamp(1, g.batch);
        let block = block.min(g.in_channels.div_ceil(TASKS / 2 / groups.min(TASKS / 2)).max(CHANNELS));
        let blocks = g.in_channels.div_ceil(block);
        let of_task = |task: usize| {
            let (i, group) = (task % blocks, task / blocks);
            let pictures = g.batch * group / groups..g.batch * (group + 1) / groups;
            let channels = i * block..((i + 1) * block).min(g.in_channels);
            let task =
                Gradient::<K> { of: self, x, y, channels, pictures, sums: RefCell::default(), kernel: PhantomData };
            // SAFETY: the kernel is one that the machine has.
            unsafe { K::work(&task) }
            task.sums.into_inner()
        };
        let mut sums: Vec<Points> = (0..blocks * groups).into_par_iter().map(of_task).collect();
        let (first, others) = sums.split_at_mut(blocks);
        first.par_iter_mut().enumerate().for_each(|(i, sums)| {
            for other in others.iter().skip(i).step_by(blocks) {
                sums.add(other);
            }
        });
        product::lower(g, &self.form, first, block, w);
    }
}
