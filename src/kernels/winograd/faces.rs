//! Tasks of the three faces, compiled for a kernel's instructions.

use super::layout::COLUMNS;
use super::product::{Points, Weights, correlate, multiply};
use super::transform::{analyse_inputs, analyse_outputs, gather_outputs, restore_inputs};
use super::{SCRATCH, SLOTS, Strip, Winograd};
use crate::kernels::plan::{Kernel, Work};
use std::cell::RefCell;
use std::marker::PhantomData;
use std::ops::Range;

/// Calls a method that is generic over the sides of a form's tiles.
macro_rules! by_sides {
    ($form:expr, $self:ident.$method:ident()) => {
        match ($form.taps, $form.tile) {
            (2, 2) => $self.$method::<3, 2>(),
            (2, _) => $self.$method::<5, 4>(),
            (_, 2) => $self.$method::<4, 2>(),
            _ => $self.$method::<6, 4>(),
        }
    };
}

impl Winograd<'_> {
    /// The points of some input channels over a chunk.
    #[inline(always)]
    unsafe fn inputs_of<K: Kernel, const SIDE: usize>(
        &self,
        x: &[f32],
        channels: Range<usize>,
        chunk: &[Strip],
        lines: &mut Vec<f32>,
        points: &mut Points,
    ) {
        let (slots, pixels, windows) = (self.slots::<K>(chunk), self.g.in_pixels(), self.form.windows());
        points.shape(self.form.points(), slots.div_ceil(COLUMNS), channels.len() * windows);
        points.end_at(slots);
        for Strip { picture, rows, slot } in chunk {
            let planes = &self.input(x, *picture)[channels.start * pixels..channels.end * pixels];
            for (c, plane) in planes.chunks_exact(pixels).enumerate() {
                let place = points.place(*slot);
                let points = points.channel_mut(c * windows);
                // SAFETY: as the caller says.
                unsafe { analyse_inputs::<K::Vector, SIDE>(&self.inputs, plane, rows.clone(), lines, points, place) }
            }
        }
    }

    /// The points of all output channels over a chunk.
    #[inline(always)]
    unsafe fn outputs_of<K: Kernel, const SIDE: usize, const TILE: usize>(
        &self,
        y: &[f32],
        chunk: &[Strip],
        lines: &mut Vec<f32>,
        points: &mut Points,
    ) {
        let slots = self.slots::<K>(chunk);
        points.shape(self.form.points(), slots.div_ceil(COLUMNS), self.g.out_channels);
        points.end_at(slots);
        for Strip { picture, rows, slot } in chunk {
            for (o, plane) in self.output(y, *picture).chunks_exact(self.g.out_pixels()).enumerate() {
                let place = points.place(*slot);
                let points = points.channel_mut(o);
                // SAFETY: as the caller says.
                unsafe {
                    analyse_outputs::<K::Vector, SIDE, TILE>(&self.outputs, plane, rows.clone(), lines, points, place);
                }
            }
        }
    }
}

/// All output channels of a chunk.
pub struct Forward<'a, K> {
    pub of: &'a Winograd<'a>,
    pub x: &'a [f32],
    pub weights: &'a Weights,
    pub chunk: &'a [Strip],
    /// For each strip, its rows of every plane.
    pub targets: RefCell<Vec<Vec<&'a mut [f32]>>>,
    pub kernel: PhantomData<K>,
}

impl<K: Kernel<Value = f32>> Work for Forward<'_, K> {
    #[inline(always)]
    unsafe fn run(&self) {
        // SAFETY: as the caller says; the sides are the form's.
        unsafe { by_sides!(self.of.form, self.draw()) }
    }
}

impl<K: Kernel<Value = f32>> Forward<'_, K> {
    #[inline(always)]
    unsafe fn draw<const SIDE: usize, const TILE: usize>(&self) {
        let mut scratch = SCRATCH.take();
        let (of, lines) = (self.of, &mut scratch.lines);
        // SAFETY: as the caller says.
        unsafe {
            of.inputs_of::<K, SIDE>(self.x, 0..of.g.in_channels, self.chunk, lines, &mut scratch.inputs);
            multiply::<K>(self.weights, 0..of.g.out_channels, &scratch.inputs, &mut scratch.outputs);
            for (strip, targets) in self.chunk.iter().zip(self.targets.borrow_mut().iter_mut()) {
                let (place, count) = (scratch.outputs.place(strip.slot), strip.rows.len());
                for (o, target) in targets.iter_mut().enumerate() {
                    let points = scratch.outputs.channel(o);
                    gather_outputs::<K::Vector, SIDE, TILE>(&of.outputs, points, place, count, lines, target);
                }
            }
        }
        SCRATCH.set(scratch);
    }
}

/// Some input channels of some pictures.
pub struct Adjoint<'a, K> {
    pub of: &'a Winograd<'a>,
    pub y: &'a [f32],
    pub weights: &'a Weights,
    /// The first picture, and the first channel.
    pub first: (usize, usize),
    /// For each picture, the planes of these channels.
    pub targets: RefCell<Vec<&'a mut [f32]>>,
    pub kernel: PhantomData<K>,
}

impl<K: Kernel<Value = f32>> Work for Adjoint<'_, K> {
    #[inline(always)]
    unsafe fn run(&self) {
        // SAFETY: as the caller says; the sides are the form's.
        unsafe { by_sides!(self.of.form, self.draw()) }
    }
}

impl<K: Kernel<Value = f32>> Adjoint<'_, K> {
    #[inline(always)]
    unsafe fn draw<const SIDE: usize, const TILE: usize>(&self) {
        let (of, (first, channel), mut targets) = (self.of, self.first, self.targets.borrow_mut());
        let (pixels, windows) = (of.g.in_pixels(), of.form.windows());
        let channels = targets[0].len() / pixels;
        targets.iter_mut().for_each(|target| target.fill(0.0));
        let mut scratch = SCRATCH.take();
        let lines = &mut scratch.lines;
        // By the sizes alone: where strips meet, sums are added up in another order.
        let slots = of.slots_of(of.depth() + of.g.out_channels);
        for chunk in of.chunks::<K>(first..first + targets.len(), slots) {
            // SAFETY: as the caller says.
            unsafe {
                of.outputs_of::<K, SIDE, TILE>(self.y, &chunk, lines, &mut scratch.outputs);
                let rows = channel * windows..(channel + channels) * windows;
                multiply::<K>(self.weights, rows, &scratch.outputs, &mut scratch.inputs);
                for Strip { picture, rows, slot } in chunk {
                    let place = scratch.inputs.place(slot);
                    for (c, plane) in targets[picture - first].chunks_exact_mut(pixels).enumerate() {
                        let points = scratch.inputs.channel(c * windows);
                        restore_inputs::<K::Vector, SIDE>(&of.inputs, points, place, rows.clone(), lines, plane);
                    }
                }
            }
        }
        SCRATCH.set(scratch);
    }
}

/// The sums of some input channels and all outputs over some pictures.
pub struct Gradient<'a, K> {
    pub of: &'a Winograd<'a>,
    pub x: &'a [f32],
    pub y: &'a [f32],
    pub channels: Range<usize>,
    pub pictures: Range<usize>,
    pub sums: RefCell<Points>,
    pub kernel: PhantomData<K>,
}

impl<K: Kernel<Value = f32>> Work for Gradient<'_, K> {
    #[inline(always)]
    unsafe fn run(&self) {
        // SAFETY: as the caller says; the sides are the form's.
        unsafe { by_sides!(self.of.form, self.draw()) }
    }
}

impl<K: Kernel<Value = f32>> Gradient<'_, K> {
    #[inline(always)]
    unsafe fn draw<const SIDE: usize, const TILE: usize>(&self) {
        let (of, mut sums) = (self.of, self.sums.borrow_mut());
        let depth = self.channels.len() * of.form.windows();
        sums.shape(of.form.points(), depth.div_ceil(COLUMNS), of.g.out_channels);
        let mut scratch = SCRATCH.take();
        for chunk in of.chunks::<K>(self.pictures.clone(), SLOTS) {
            // SAFETY: as the caller says.
            unsafe {
                of.inputs_of::<K, SIDE>(self.x, self.channels.clone(), &chunk, &mut scratch.lines, &mut scratch.inputs);
                of.outputs_of::<K, SIDE, TILE>(self.y, &chunk, &mut scratch.lines, &mut scratch.outputs);
                correlate::<K>(&scratch.inputs, &scratch.outputs, &mut sums);
            }
        }
        SCRATCH.set(scratch);
    }
}
