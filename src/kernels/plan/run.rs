//! A layer over its buffers: cut into tasks, each a few output rows and panels of channels.

use super::area::Area;
use super::buffer::Buffer;
use super::kernel::{Kernel, LANES, Row, VECTORS};
use super::layer::{Input, Layer, Phase};
use super::vector::Vector;
use super::{windows, winograd};
use rayon::prelude::*;
use std::array;

/// Bytes of one task's input that stay in the L2 cache beside a panel.
const CACHE: usize = 256 * 1024;

/// What is added to a layer's sums.
#[derive(Clone, Copy)]
pub enum Residual<'a, T> {
    /// The values of a buffer of the outputs' size.
    Of(&'a Buffer<T>),
    /// What the first output holds.
    Held,
}

/// Runs `layer` over `inputs`. A sum becomes `sum · scale + shift` of its channel, `residual`'s value is added, and what
/// is negative is multiplied by the output's slope (1 leaves it, 0 is ReLU); each of `outputs` gets the same with its own
/// slope. Only the pixels of `area`, counted in those of one phase, are drawn, and only what their windows see is read.
///
/// # Panics
/// When the machine lacks the kernel's instructions, or the buffers' sizes do not fit the layer: they come from the same
/// plan.
pub fn convolve<K: Kernel>(
    layer: &Layer<K>,
    inputs: &[&Buffer<K::Value>],
    (scale, shift): (&[f32], &[f32]),
    residual: Option<Residual<'_, K::Value>>,
    outputs: &mut [(&mut Buffer<K::Value>, f32)],
    area: &Area,
) {
    assert!(K::INSTRUCTIONS.available());
    let Some((first, _)) = outputs.first() else { return };
    let (batch, grid) = (first.batch, layer.grid);
    let (height, width) = (first.height / grid, first.width / grid);
    let vectors = layer.phases[0].weights.vectors();
    let geometry = |b: &Buffer<K::Value>| (b.batch, b.height, b.width, b.channels, b.halo);
    let same = geometry(first);
    assert!(first.height % grid == 0 && first.width % grid == 0 && first.channels >= vectors * LANES);
    assert!(outputs.iter().all(|(b, _)| geometry(b) == same));
    assert!(residual.is_none_or(|residual| match residual {
        Residual::Of(buffer) => geometry(buffer) == same,
        Residual::Held => true,
    }));
    assert!(area.rows.end <= height && area.columns.end <= width);
    assert!(scale.len() >= vectors * LANES && shift.len() >= vectors * LANES);
    assert_eq!((inputs.len(), layer.phases.len()), (layer.inputs.len(), grid * grid));
    for phase in &layer.phases {
        assert!(phase.first.0 < grid && phase.first.1 < grid && phase.weights.vectors() == vectors);
        assert!(phase.winograd == layer.phases[0].winograd);
        for ((buffer, input), tap) in inputs.iter().zip(&layer.inputs).zip(&phase.taps) {
            assert!(buffer.batch == batch && buffer.channels == input.channels);
            let inside = |origin: isize, kernel: usize, count: usize, side: usize| {
                let halo = buffer.halo as isize;
                let end = (count.max(1) - 1) * input.step + kernel;
                origin >= -halo && origin + end as isize <= side as isize + halo
            };
            assert!(inside(tap.origin.0, tap.kernel.0, height, buffer.height));
            assert!(inside(tap.origin.1, tap.kernel.1, width, buffer.width));
        }
    }
    let (height, width) = (area.rows.len(), area.columns.len());
    if batch * height * width == 0 {
        return;
    }
    let place = Place { pitch: first.pitch(), channels: first.channels, area: area.clone() };
    let origins: Vec<usize> = (0..batch).map(|picture| first.origin(picture)).collect();
    let outputs: Vec<_> = outputs.iter_mut().map(|(buffer, slope)| (buffer.as_mut_ptr(), *slope)).collect();
    let residual = residual.map(|residual| match residual {
        Residual::Of(buffer) => buffer.as_ptr(),
        // Each vector of it is read before it is overwritten, by the same task.
        Residual::Held => outputs[0].0.cast_const(),
    });
    let winograd = layer.phases[0].winograd;
    let gathers = winograd.is_none() && gathers::<K>(layer, inputs, width);
    let common = Common { layer, inputs, scale, shift, residual, outputs, place, origins, gathers };
    // Work is cut into a few tasks a thread, fewer where each copies its windows; how it is cut changes no sum.
    let wanted = if gathers { 2 } else { 4 } * rayon::current_num_threads();
    let (panels, phases) = (layer.phases[0].weights.count(), layer.phases.len());
    let (units, chunk) = match (winograd, gathers) {
        (Some(form), _) => {
            let tiles = batch * height.div_ceil(form.tile) * width.div_ceil(form.tile);
            (tiles, form.chunk::<K>(&layer.inputs))
        }
        (None, true) => (batch * height * width, common.chunk()),
        (None, false) => (batch * height, common.chunk()),
    };
    // As many for every thread, as long as they fill half of the kernel's rows. Where pixels are so few that tasks copy
    // their windows, weights are most of what is read, once for every chunk: there panels are shared out instead.
    let chunks = units.div_ceil(chunk);
    let even = chunks.next_multiple_of(rayon::current_num_threads());
    let least = if winograd.is_some() || gathers { K::ROWS.div_ceil(2) } else { 1 };
    let shared = gathers && phases * panels >= wanted;
    let chunks = if units >= even * least && !shared { even } else { chunks };
    let splits = wanted.div_ceil(chunks * phases).min(panels);
    (0..phases * chunks * splits).into_par_iter().for_each(|i| {
        let (split, i) = (i % splits, i / splits);
        // One after another, the phases of a chunk find its inputs in the L2 cache. Winograd's, whose weights are more
        // and whose inputs are transformed, find their weights there if a phase goes through all chunks.
        let (phase, chunk) = if winograd.is_some() { (i / chunks, i % chunks) } else { (i % phases, i / phases) };
        let (common, phase) = (&common, &layer.phases[phase]);
        let units = units * chunk / chunks..units * (chunk + 1) / chunks;
        let panels = panels * split / splits..panels * (split + 1) / splits;
        // SAFETY: the machine has the instructions and the buffers fit, as was checked above; no two tasks share an
        // output pixel's channel.
        unsafe {
            match phase.winograd {
                Some(form) => K::work(&winograd::Task { common, phase, form, units, panels }),
                None => K::work(&windows::Task { common, phase, units, panels }),
            }
        }
    });
}

/// A task, to be compiled for a kernel's instructions.
pub trait Work {
    /// # Safety
    /// The machine has the kernel's instructions; the buffers fit the layer, and no other task writes this one's sums.
    unsafe fn run(&self);
}

/// Whether a task copies its windows together first: where rows are short, or so far apart that they fall on the same
/// lines of the L1 cache.
fn gathers<K: Kernel>(layer: &Layer<K>, inputs: &[&Buffer<K::Value>], width: usize) -> bool {
    let far =
        |(input, buffer): (&Input, &&Buffer<K::Value>)| input.step * buffer.channels * size_of::<K::Value>() >= 4096;
    let short = width < K::ROWS.min(12).max(K::LEAST_ROWS);
    short || layer.inputs.iter().zip(inputs).any(far)
}

/// How the outputs lie.
pub(super) struct Place {
    pub(super) pitch: usize,
    pub(super) channels: usize,
    /// What is drawn of each phase.
    pub(super) area: Area,
}

/// What all tasks of a layer share.
pub(super) struct Common<'a, K: Kernel> {
    pub(super) layer: &'a Layer<K>,
    pub(super) inputs: &'a [&'a Buffer<K::Value>],
    pub(super) scale: &'a [f32],
    pub(super) shift: &'a [f32],
    pub(super) residual: Option<*const K::Value>,
    pub(super) outputs: Vec<(*mut K::Value, f32)>,
    pub(super) place: Place,
    /// Where each picture's first output pixel lies.
    origins: Vec<usize>,
    pub(super) gathers: bool,
}

// SAFETY: the pointers are to buffers that `convolve` holds borrowed for as long; tasks write disjoint places.
unsafe impl<K: Kernel> Sync for Common<'_, K> {}

impl<K: Kernel> Common<'_, K> {
    /// Output rows, or where tasks gather output pixels, that one task takes.
    fn chunk(&self) -> usize {
        let value = size_of::<K::Value>();
        if self.gathers {
            let window = self.layer.phases.iter().map(|phase| phase.weights.factors()).max().unwrap_or(1);
            return (4 * CACHE / (window * value)).max(2 * K::ROWS);
        }
        let row: usize = self.layer.inputs.iter().zip(self.inputs).map(|(i, b)| i.step * b.pitch() * value).sum();
        (CACHE / row.max(1)).max(1)
    }

    /// The picture of a line that is drawn, counted over all pictures, and its row in a phase.
    #[inline(always)]
    pub(super) fn row(&self, line: usize) -> (usize, usize) {
        let rows = &self.place.area.rows;
        (line / rows.len(), rows.start + line % rows.len())
    }

    /// Where the output pixel at column `x` of the phase's row `y` lies.
    #[inline(always)]
    pub(super) fn pixel(&self, phase: &Phase<K>, (picture, y): (usize, usize), x: usize) -> usize {
        let (row, column) = (y * self.layer.grid + phase.first.0, x * self.layer.grid + phase.first.1);
        self.origins[picture] + row * self.place.pitch + column * self.place.channels
    }

    /// Finishes rows of sums, `vectors` · [`LANES`] channels from `channel` on, and stores them from
    /// that channel of each row's pixel on in every output.
    ///
    /// # Safety
    /// The machine has the instructions; the pixels have so many channels in the outputs, which are no other task's.
    #[inline(always)]
    pub(super) unsafe fn store(&self, sums: &[Row], pixels: &[usize], channel: usize, vectors: usize) {
        // SAFETY: as the caller says. What does not change from row to row is asked once where it tells most: a residual,
        // and further outputs.
        unsafe {
            if vectors * LANES == K::Vector::WIDTH {
                return self.store_rows::<1, true, true>(sums, pixels, channel, 0);
            }
            // Registers by twos, and in a loop: a closure of an iterator's would be compiled without the machine's
            // instructions, and each operation in it would be a call.
            const { assert!(VECTORS == 2) };
            for first in (0..vectors * LANES).step_by(2 * K::Vector::WIDTH) {
                match (self.residual, self.outputs.len()) {
                    (None, 1) => self.store_rows::<2, false, false>(sums, pixels, channel, first),
                    (Some(_), 1) => self.store_rows::<2, true, false>(sums, pixels, channel, first),
                    _ => self.store_rows::<2, true, true>(sums, pixels, channel, first),
                }
            }
        }
    }

    /// The same for `COUNT` registers of each row, from the row's number `first` on; with a residual, if there is one,
    /// only where `ADD`, and into more outputs than the first only where `MORE`.
    #[inline(always)]
    unsafe fn store_rows<const COUNT: usize, const ADD: bool, const MORE: bool>(
        &self,
        sums: &[Row],
        pixels: &[usize],
        channel: usize,
        first: usize,
    ) {
        let Some((&(output, slope), others)) = self.outputs.split_first() else { return };
        let at = |i: usize| first + i * K::Vector::WIDTH;
        // SAFETY: as the caller says; scale and shift are as long as the panels are wide, and the residual has the
        // outputs' geometry.
        unsafe {
            // What is the same for all rows stays in registers.
            let load = |from: &[f32], i: usize| K::Vector::load(from.as_ptr().add(channel + at(i)));
            let scale: [_; COUNT] = array::from_fn(|i| load(self.scale, i));
            let shift: [_; COUNT] = array::from_fn(|i| load(self.shift, i));
            for (sums, pixel) in sums.iter().zip(pixels) {
                let place = pixel + channel + first;
                let values: [_; COUNT] = array::from_fn(|i| {
                    let value = K::Vector::load(sums.as_ptr().add(at(i))).mul_add(scale[i], shift[i]);
                    match self.residual {
                        Some(residual) if ADD => value.add(K::widen(residual.add(place + i * K::Vector::WIDTH))),
                        _ => value,
                    }
                });
                rectify::<K, COUNT>(values, slope, output.add(place));
                if MORE {
                    for &(output, slope) in others {
                        rectify::<K, COUNT>(values, slope, output.add(place));
                    }
                }
            }
        }
    }
}

/// Stores registers of values one after another, negative ones times `slope`.
///
/// # Safety
/// The machine has the instructions, and so many values can be written.
#[inline(always)]
unsafe fn rectify<K: Kernel, const COUNT: usize>(values: [K::Vector; COUNT], slope: f32, to: *mut K::Value) {
    // SAFETY: as the caller says.
    unsafe {
        let slope = K::Vector::all(slope);
        let values: [_; COUNT] = array::from_fn(|i| values[i].max(values[i].mul(slope)));
        match values.as_slice() {
            &[first, second] => K::narrow_pair([first, second], to),
            values => values.iter().enumerate().for_each(|(i, &value)| K::narrow(value, to.add(i * K::Vector::WIDTH))),
        }
    }
}
