//! Planes to the points of their tiles, and back: the transforms of inputs and outputs, and their transposes.

use super::form::{Form, Pair, TILE};
use multiversion::multiversion;
use std::ops::Range;

/// Where points lie in a slice: that of tile `t` of some tile rows, for point `p` of small window `w`, is at
/// `p · point + w · window + t`.
#[derive(Clone, Copy)]
pub struct Layout {
    pub point: usize,
    pub window: usize,
}

/// A plane of inputs under the tiles of outputs.
#[derive(Clone, Copy)]
pub struct Inputs {
    pub form: Form,
    pub height: usize,
    pub width: usize,
    pub padding: usize,
    /// Tiles side by side.
    pub columns: usize,
}

impl Inputs {
    /// The row of pixels that is line `line` of the windows from `top` on, if it lies inside; tiles begin with row `tile`.
    fn row(&self, tile: usize, line: usize, top: usize) -> Option<usize> {
        let row = (self.form.stride * (TILE * tile + line) + top).checked_sub(self.padding)?;
        Some(row).filter(|row| *row < self.height)
    }

    /// Where among the parts of a line, each of the pixels of every so many, tap `tap` of the windows from `left` on
    /// begins.
    fn part(&self, left: usize, tap: usize) -> usize {
        let (at, step) = (self.form.stride * tap + left, TILE * self.form.stride);
        at % step * self.pitch() + at / step
    }

    /// Values of a part: the tiles', and those that windows reach beyond.
    fn pitch(&self) -> usize {
        self.columns + 2
    }

    /// Values of a line of pixels, the padding too.
    fn wide(&self) -> usize {
        TILE * self.form.stride * self.pitch()
    }

    /// Pixels of a row that any window sees.
    fn seen(&self) -> usize {
        self.width.min(self.wide().saturating_sub(self.padding))
    }

    /// Rows of pixels' points under `rows` rows of tiles.
    fn lines(&self, rows: usize) -> usize {
        TILE * rows + self.form.side() - TILE
    }

    /// Values of one of them: each start's points along the line.
    fn of_line(&self) -> usize {
        self.form.starts.len() * self.form.side() * self.columns
    }
}

/// Memory for `lines` values, one line of pixels and its parts.
fn room(memory: &mut Vec<f32>, lines: usize, wide: usize) -> (&mut [f32], &mut [f32], &mut [f32]) {
    memory.clear();
    memory.resize(lines + 2 * wide, 0.0);
    let (lines, rest) = memory.split_at_mut(lines);
    let (padded, parts) = rest.split_at_mut(wide);
    (lines, padded, parts)
}

/// The points of one plane of inputs `(H, W)` under the tile rows `rows`; `memory` is used again from call to call.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub fn analyse_inputs(
    inputs: &Inputs,
    plane: &[f32],
    rows: Range<usize>,
    memory: &mut Vec<f32>,
    out: &mut [f32],
    layout: Layout,
) {
    let (form, columns, of_line) = (inputs.form, inputs.columns, inputs.of_line());
    let (lines, padded, parts) = room(memory, inputs.lines(rows.len()) * of_line, inputs.wide());
    for (v, top) in form.starts.iter().enumerate() {
        for (i, line) in lines.chunks_exact_mut(of_line).enumerate() {
            let Some(row) = inputs.row(rows.start, i, *top) else {
                line.fill(0.0);
                continue;
            };
            let seen = &plane[row * inputs.width..][..inputs.seen()];
            padded[inputs.padding..][..seen.len()].copy_from_slice(seen);
            match form.stride {
                1 => split::<2>(padded, parts),
                _ => split::<4>(padded, parts),
            }
            let points = line.chunks_exact_mut(columns);
            let pairs = form.starts.iter().flat_map(|left| form.inputs.iter().map(move |pair| (*left, pair)));
            for (out, (left, pair)) in points.zip(pairs) {
                combine(out, pair, |tap| &parts[inputs.part(left, tap)..]);
            }
        }
        for (i, at) in (0..rows.len()).flat_map(|i| (0..of_line / columns).map(move |at| (i, at))) {
            let (window, x) = (v * form.starts.len() + at / form.side(), at % form.side());
            for (y, pair) in form.inputs.iter().enumerate() {
                let start = (y * form.side() + x) * layout.point + window * layout.window + i * columns;
                let line = |tap| &lines[(TILE * i + tap) * of_line + at * columns..];
                combine(&mut out[start..start + columns], pair, line);
            }
        }
    }
}

/// The transpose of [`analyse_inputs`]: adds to the plane what its points' gradients are to it.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub fn restore_inputs(
    inputs: &Inputs,
    points: &[f32],
    layout: Layout,
    rows: Range<usize>,
    memory: &mut Vec<f32>,
    plane: &mut [f32],
) {
    let (form, columns, of_line) = (inputs.form, inputs.columns, inputs.of_line());
    let (lines, padded, parts) = room(memory, inputs.lines(rows.len()) * of_line, inputs.wide());
    for (v, top) in form.starts.iter().enumerate() {
        lines.fill(0.0);
        for (i, at) in (0..rows.len()).flat_map(|i| (0..of_line / columns).map(move |at| (i, at))) {
            let (window, x) = (v * form.starts.len() + at / form.side(), at % form.side());
            for (y, pair) in form.inputs.iter().enumerate() {
                let start = (y * form.side() + x) * layout.point + window * layout.window + i * columns;
                let line = |tap| (TILE * i + tap) * of_line + at * columns;
                spread(&points[start..start + columns], pair, lines, line);
            }
        }
        for (i, line) in lines.chunks_exact(of_line).enumerate() {
            let Some(row) = inputs.row(rows.start, i, *top) else { continue };
            parts.fill(0.0);
            let pairs = form.starts.iter().flat_map(|left| form.inputs.iter().map(move |pair| (*left, pair)));
            for (points, (left, pair)) in line.chunks_exact(columns).zip(pairs) {
                spread(points, pair, parts, |tap| inputs.part(left, tap));
            }
            match form.stride {
                1 => join::<2>(parts, padded),
                _ => join::<4>(parts, padded),
            }
            let seen = &mut plane[row * inputs.width..][..inputs.seen()];
            for (out, value) in seen.iter_mut().zip(&padded[inputs.padding..]) {
                *out += value;
            }
        }
    }
}

/// The points of one plane of outputs `(Hout, Wout)` under the tile rows `rows`, a point every `point` values; what lies
/// outside is zero.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub fn analyse_outputs(
    form: &Form,
    (height, width): (usize, usize),
    plane: &[f32],
    rows: Range<usize>,
    memory: &mut Vec<f32>,
    out: &mut [f32],
    point: usize,
) {
    let columns = width.div_ceil(TILE);
    let of_line = form.side() * columns;
    let (lines, padded, parts) = room(memory, TILE * of_line, TILE * columns);
    for (i, tile) in rows.enumerate() {
        for (row, line) in (TILE * tile..).zip(lines.chunks_exact_mut(of_line)) {
            if row >= height {
                line.fill(0.0);
                continue;
            }
            padded[..width].copy_from_slice(&plane[row * width..][..width]);
            split::<TILE>(padded, parts);
            for (out, pair) in line.chunks_exact_mut(columns).zip(form.outputs) {
                combine(out, pair, |x| &parts[x * columns..]);
            }
        }
        for (y, pair) in form.outputs.iter().enumerate() {
            for x in 0..form.side() {
                let start = (y * form.side() + x) * point + i * columns;
                combine(&mut out[start..start + columns], pair, |row| &lines[row * of_line + x * columns..]);
            }
        }
    }
}

/// The transpose of [`analyse_outputs`]: the outputs that the points' products make.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub fn gather_outputs(
    form: &Form,
    (height, width): (usize, usize),
    points: &[f32],
    point: usize,
    rows: Range<usize>,
    memory: &mut Vec<f32>,
    plane: &mut [f32],
) {
    let columns = width.div_ceil(TILE);
    let of_line = form.side() * columns;
    let (lines, padded, parts) = room(memory, TILE * of_line, TILE * columns);
    for (i, tile) in rows.enumerate() {
        lines.fill(0.0);
        for (y, pair) in form.outputs.iter().enumerate() {
            for x in 0..form.side() {
                let points = &points[(y * form.side() + x) * point + i * columns..][..columns];
                spread(points, pair, lines, |row| row * of_line + x * columns);
            }
        }
        for (row, line) in (TILE * tile..height).zip(lines.chunks_exact(of_line)) {
            parts.fill(0.0);
            for (points, pair) in line.chunks_exact(columns).zip(form.outputs) {
                spread(points, pair, parts, |x| x * columns);
            }
            join::<TILE>(parts, padded);
            plane[row * width..][..width].copy_from_slice(&padded[..width]);
        }
    }
}

/// A pair of what `of` finds.
#[inline(always)]
fn combine<'a>(out: &mut [f32], &((a, times), (b, and)): &Pair, of: impl Fn(usize) -> &'a [f32]) {
    for ((out, a), b) in out.iter_mut().zip(of(a)).zip(of(b)) {
        *out = times * a + and * b;
    }
}

/// The transpose of [`combine`]: adds `points` to what it was made of, found at `at` among `out`.
#[inline(always)]
fn spread(points: &[f32], pair: &Pair, out: &mut [f32], at: impl Fn(usize) -> usize) {
    for (place, times) in [pair.0, pair.1] {
        if times != 0.0 {
            for (out, point) in out[at(place)..][..points.len()].iter_mut().zip(points) {
                *out += times * point;
            }
        }
    }
}

/// `N` parts of `values`: the first has values 0, N, 2N, …, the next 1, N + 1, … .
#[inline(always)]
fn split<const N: usize>(values: &[f32], parts: &mut [f32]) {
    let len = values.len() / N;
    for (i, values) in values.as_chunks::<N>().0.iter().enumerate() {
        for (part, value) in values.iter().enumerate() {
            parts[part * len + i] = *value;
        }
    }
}

/// The way back.
#[inline(always)]
fn join<const N: usize>(parts: &[f32], values: &mut [f32]) {
    let len = values.len() / N;
    for (i, values) in values.as_chunks_mut::<N>().0.iter_mut().enumerate() {
        for (part, value) in values.iter_mut().enumerate() {
            *value = parts[part * len + i];
        }
    }
}
