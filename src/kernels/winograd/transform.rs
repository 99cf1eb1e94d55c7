//! Planes to the points of their tiles, and back: the transforms of inputs and outputs, and their transposes.

use super::interleave::{join, load, split, store};
use super::layout::{COLUMNS, Inputs, Outputs, Place};
use super::side;
use crate::kernels::plan::{LANES, Vector};
use std::ops::Range;

/// Memory for `lines` values, one line of pixels, which is zero, and its parts.
fn room(memory: &mut Vec<f32>, lines: usize, wide: usize) -> (&mut [f32], &mut [f32], &mut [f32]) {
    if memory.len() < lines + 2 * wide {
        memory.resize(lines + 2 * wide, 0.0);
    }
    let (lines, rest) = memory.split_at_mut(lines);
    let (padded, rest) = rest.split_at_mut(wide);
    padded.fill(0.0);
    (lines, padded, &mut rest[..wide])
}

/// A vector whose values from the `count`th on are zero.
#[inline(always)]
unsafe fn load_some<V: Vector>(values: &[f32], at: usize, count: usize) -> V {
    // SAFETY: as the caller says.
    unsafe {
        if count >= V::WIDTH {
            return load(values, at);
        }
        let mut some = [0.0; LANES];
        some[..count].copy_from_slice(&values[at..at + count]);
        load(&some, 0)
    }
}

/// The points of one plane of inputs `(H, W)` under the tile rows `rows`; `memory` is used again from call to call.
/// `points` begins with the channel's first window; each window is [`COLUMNS`] values further.
///
/// # Safety
/// Of this and the others: the machine has the vector's instructions; `SIDE` is [`Form::side`], `TILE` is `tile`.
#[inline(always)]
pub unsafe fn analyse_inputs<V: Vector, const SIDE: usize>(
    inputs: &Inputs,
    plane: &[f32],
    rows: Range<usize>,
    memory: &mut Vec<f32>,
    points: &mut [f32],
    place: Place,
) {
    let (form, columns, count) = (inputs.form, inputs.columns, rows.len());
    let (lines, padded, parts) = room(memory, inputs.points(count), inputs.wide());
    for (v, top) in form.starts.iter().enumerate() {
        for i in 0..inputs.lines(count) {
            let row = inputs.row(rows.start, i, *top);
            if let Some(row) = row {
                let seen = &plane[row * inputs.width..][..inputs.seen()];
                padded[inputs.padding..][..seen.len()].copy_from_slice(seen);
                // SAFETY: as the caller says.
                unsafe { split::<V>(padded, parts, inputs.step(), inputs.pitch()) };
            } else {
                parts.fill(0.0);
            }
            for (h, left) in form.starts.iter().enumerate() {
                let from: [usize; SIDE] = std::array::from_fn(|tap| inputs.part(*left, tap));
                let to: [usize; SIDE] = std::array::from_fn(|x| inputs.place(count, h * SIDE + x, i));
                for t in (0..columns).step_by(V::WIDTH) {
                    // SAFETY: as the caller says.
                    unsafe {
                        let mut values = [V::all(0.0); SIDE];
                        for (value, from) in values.iter_mut().zip(from) {
                            *value = load(parts, from + t);
                        }
                        for (value, to) in side::inputs(values).into_iter().zip(to) {
                            store(value, lines, to + t);
                        }
                    }
                }
            }
        }
        for kind in 0..form.starts.len() * SIDE {
            let (window, x) = (v * form.starts.len() + kind / SIDE, kind % SIDE);
            let from: [usize; SIDE] = std::array::from_fn(|line| inputs.place(count, kind, line));
            let points = &mut points[window * COLUMNS..];
            for t in (0..count * columns).step_by(V::WIDTH) {
                // SAFETY: as the caller says.
                unsafe {
                    let mut values = [V::all(0.0); SIDE];
                    for (value, from) in values.iter_mut().zip(from) {
                        *value = load_some(lines, from + t, count * columns - t);
                    }
                    for (y, value) in side::inputs(values).into_iter().enumerate() {
                        store(value, points, place.at(y * SIDE + x, t));
                    }
                }
            }
        }
    }
}

/// The transpose of [`analyse_inputs`]: adds to the plane what its points' gradients are to it.
///
/// # Safety
/// See [`analyse_inputs`].
#[inline(always)]
pub unsafe fn restore_inputs<V: Vector, const SIDE: usize>(
    inputs: &Inputs,
    points: &[f32],
    place: Place,
    rows: Range<usize>,
    memory: &mut Vec<f32>,
    plane: &mut [f32],
) {
    let (form, columns, count) = (inputs.form, inputs.columns, rows.len());
    let (lines, padded, parts) = room(memory, inputs.points(count), inputs.wide());
    for (v, top) in form.starts.iter().enumerate() {
        for kind in 0..form.starts.len() * SIDE {
            let (window, x) = (v * form.starts.len() + kind / SIDE, kind % SIDE);
            let to: [usize; SIDE] = std::array::from_fn(|line| inputs.place(count, kind, line));
            // Lines that two rows of tiles have in common are added up, others written.
            let common = SIDE - form.tile;
            lines[to[0]..to[0] + common * inputs.run(count)].fill(0.0);
            let points = &points[window * COLUMNS..];
            for t in (0..count * columns).step_by(V::WIDTH) {
                // SAFETY: as the caller says.
                unsafe {
                    let mut values = [V::all(0.0); SIDE];
                    for (y, value) in values.iter_mut().enumerate() {
                        *value = load(points, place.at(y * SIDE + x, t));
                    }
                    for (line, (value, to)) in side::inputs_back(values).into_iter().zip(to).enumerate() {
                        let shared = line < common || line >= form.tile;
                        store(if shared { load::<V>(lines, to + t).add(value) } else { value }, lines, to + t);
                    }
                }
            }
        }
        for i in 0..inputs.lines(count) {
            let Some(row) = inputs.row(rows.start, i, *top) else { continue };
            parts.fill(0.0);
            for (h, left) in form.starts.iter().enumerate() {
                let from: [usize; SIDE] = std::array::from_fn(|x| inputs.place(count, h * SIDE + x, i));
                let to: [usize; SIDE] = std::array::from_fn(|tap| inputs.part(*left, tap));
                for t in (0..columns).step_by(V::WIDTH) {
                    // SAFETY: as the caller says.
                    unsafe {
                        let mut values = [V::all(0.0); SIDE];
                        for (value, from) in values.iter_mut().zip(from) {
                            *value = load_some(lines, from + t, columns - t);
                        }
                        for (value, to) in side::inputs_back(values).into_iter().zip(to) {
                            store(load::<V>(parts, to + t).add(value), parts, to + t);
                        }
                    }
                }
            }
            // SAFETY: as the caller says.
            unsafe { join::<V>(parts, padded, inputs.step(), inputs.pitch()) };
            let seen = &mut plane[row * inputs.width..][..inputs.seen()];
            for (out, value) in seen.iter_mut().zip(&padded[inputs.padding..]) {
                *out += value;
            }
        }
    }
}

/// The points of one plane of outputs `(Hout, Wout)` under the tile rows `rows`; what lies outside is zero.
///
/// # Safety
/// See [`analyse_inputs`].
#[inline(always)]
pub unsafe fn analyse_outputs<V: Vector, const SIDE: usize, const TILE: usize>(
    outputs: &Outputs,
    plane: &[f32],
    rows: Range<usize>,
    memory: &mut Vec<f32>,
    points: &mut [f32],
    place: Place,
) {
    let (width, columns, count) = (outputs.width, outputs.columns, rows.len());
    let (lines, padded, parts) = room(memory, outputs.place(count, SIDE, 0), TILE * outputs.pitch());
    for (i, row) in (TILE * rows.start..TILE * rows.end).enumerate() {
        match plane[(row * width).min(plane.len())..].get(..width) {
            Some(pixels) => padded[..width].copy_from_slice(pixels),
            None => padded.fill(0.0),
        }
        // SAFETY: as the caller says.
        unsafe { split::<V>(padded, parts, TILE, outputs.pitch()) };
        let to: [usize; SIDE] = std::array::from_fn(|x| outputs.place(count, x, i));
        for t in (0..columns).step_by(V::WIDTH) {
            // SAFETY: as the caller says.
            unsafe {
                let mut values = [V::all(0.0); TILE];
                for (part, value) in values.iter_mut().enumerate() {
                    *value = load(parts, part * outputs.pitch() + t);
                }
                for (value, to) in side::outputs_back::<V, SIDE, TILE>(values).into_iter().zip(to) {
                    store(value, lines, to + t);
                }
            }
        }
    }
    for x in 0..SIDE {
        let from: [usize; TILE] = std::array::from_fn(|line| outputs.place(count, x, line));
        for t in (0..count * columns).step_by(V::WIDTH) {
            // SAFETY: as the caller says.
            unsafe {
                let mut values = [V::all(0.0); TILE];
                for (value, from) in values.iter_mut().zip(from) {
                    *value = load_some(lines, from + t, count * columns - t);
                }
                for (y, value) in side::outputs_back::<V, SIDE, TILE>(values).into_iter().enumerate() {
                    store(value, points, place.at(y * SIDE + x, t));
                }
            }
        }
    }
}

/// The transpose of [`analyse_outputs`]: the outputs that the points' products make, some whole rows of a plane.
///
/// # Safety
/// See [`analyse_inputs`].
#[inline(always)]
pub unsafe fn gather_outputs<V: Vector, const SIDE: usize, const TILE: usize>(
    outputs: &Outputs,
    points: &[f32],
    place: Place,
    count: usize,
    memory: &mut Vec<f32>,
    plane: &mut [f32],
) {
    let (width, columns) = (outputs.width, outputs.columns);
    let (lines, padded, parts) = room(memory, outputs.place(count, SIDE, 0), TILE * outputs.pitch());
    for x in 0..SIDE {
        let to: [usize; TILE] = std::array::from_fn(|line| outputs.place(count, x, line));
        for t in (0..count * columns).step_by(V::WIDTH) {
            // SAFETY: as the caller says.
            unsafe {
                let mut values = [V::all(0.0); SIDE];
                for (y, value) in values.iter_mut().enumerate() {
                    *value = load(points, place.at(y * SIDE + x, t));
                }
                for (value, to) in side::outputs::<V, SIDE, TILE>(values).into_iter().zip(to) {
                    store(value, lines, to + t);
                }
            }
        }
    }
    for (i, row) in plane.chunks_exact_mut(width).enumerate() {
        let from: [usize; SIDE] = std::array::from_fn(|x| outputs.place(count, x, i));
        for t in (0..columns).step_by(V::WIDTH) {
            // SAFETY: as the caller says.
            unsafe {
                let mut values = [V::all(0.0); SIDE];
                for (value, from) in values.iter_mut().zip(from) {
                    *value = load(lines, from + t);
                }
                for (part, value) in side::outputs::<V, SIDE, TILE>(values).into_iter().enumerate() {
                    store(value, parts, part * outputs.pitch() + t);
                }
            }
        }
        // SAFETY: as the caller says.
        unsafe { join::<V>(parts, padded, TILE, outputs.pitch()) };
        row.copy_from_slice(&padded[..width]);
    }
}
