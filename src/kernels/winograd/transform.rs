//! Planes to the points of their tiles, and back: the transforms of inputs and outputs, and their transposes.

use super::form::{Form, Pair, TILE};
use multiversion::multiversion;
use std::ops::Range;

/// Values that are taken together: rows of few tiles are some of them, too.
const LANES: usize = 8;

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

    /// Lines of pixels under `rows` rows of tiles.
    fn lines(&self, rows: usize) -> usize {
        TILE * rows + self.form.side() - TILE
    }

    /// Points that each line has, from every start.
    fn of_line(&self) -> usize {
        self.form.starts.len() * self.form.side()
    }

    /// Where a line's points of one kind lie, under `rows` rows of tiles: those of every other line one after another,
    /// so that what tiles take from theirs is one run.
    fn place(&self, rows: usize, kind: usize, line: usize) -> usize {
        ((kind * TILE + line % TILE) * (rows + 1) + line / TILE) * self.columns
    }

    /// Values of all of them.
    fn points(&self, rows: usize) -> usize {
        self.of_line() * TILE * (rows + 1) * self.columns
    }
}

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

/// Adds `times` times `values`.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub fn accumulate(out: &mut [f32], times: f32, values: &[f32]) {
    for (out, value) in out.iter_mut().zip(values) {
        *out += times * value;
    }
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
    let (form, columns, count) = (inputs.form, inputs.columns, rows.len());
    let (lines, padded, parts) = room(memory, inputs.points(count), inputs.wide());
    for (v, top) in form.starts.iter().enumerate() {
        for i in 0..inputs.lines(count) {
            let row = inputs.row(rows.start, i, *top);
            if let Some(row) = row {
                let seen = &plane[row * inputs.width..][..inputs.seen()];
                padded[inputs.padding..][..seen.len()].copy_from_slice(seen);
                split(padded, parts, TILE * form.stride);
            }
            for (h, left) in form.starts.iter().enumerate() {
                for (x, pair) in form.inputs.iter().enumerate() {
                    let place = inputs.place(count, h * form.side() + x, i);
                    let out = &mut lines[place..place + columns];
                    match row {
                        Some(_) => combine(out, pair, |tap| &parts[inputs.part(*left, tap)..]),
                        None => out.fill(0.0),
                    }
                }
            }
        }
        for kind in 0..inputs.of_line() {
            let (window, x) = (v * form.starts.len() + kind / form.side(), kind % form.side());
            for (y, pair) in form.inputs.iter().enumerate() {
                let start = (y * form.side() + x) * layout.point + window * layout.window;
                let out = &mut out[start..start + count * columns];
                combine(out, pair, |tap| &lines[inputs.place(count, kind, tap)..]);
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
    let (form, columns, count) = (inputs.form, inputs.columns, rows.len());
    let (lines, padded, parts) = room(memory, inputs.points(count), inputs.wide());
    for (v, top) in form.starts.iter().enumerate() {
        lines.fill(0.0);
        for kind in 0..inputs.of_line() {
            let (window, x) = (v * form.starts.len() + kind / form.side(), kind % form.side());
            for (y, pair) in form.inputs.iter().enumerate() {
                let start = (y * form.side() + x) * layout.point + window * layout.window;
                let points = &points[start..start + count * columns];
                spread(points, pair, lines, |tap| inputs.place(count, kind, tap));
            }
        }
        for i in 0..inputs.lines(count) {
            let Some(row) = inputs.row(rows.start, i, *top) else { continue };
            parts.fill(0.0);
            for (h, left) in form.starts.iter().enumerate() {
                for (x, pair) in form.inputs.iter().enumerate() {
                    let points = &lines[inputs.place(count, h * form.side() + x, i)..][..columns];
                    spread(points, pair, parts, |tap| inputs.part(*left, tap));
                }
            }
            join(parts, padded, TILE * form.stride);
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
    width: usize,
    plane: &[f32],
    rows: Range<usize>,
    memory: &mut Vec<f32>,
    out: &mut [f32],
    point: usize,
) {
    let (columns, count) = (width.div_ceil(TILE), rows.len());
    let (lines, padded, parts) = room(memory, form.side() * TILE * count * columns, TILE * columns);
    // A point's lines of every other row one after another, so that what tiles take from theirs is one run.
    let place = |x: usize, row: usize| ((x * TILE + row % TILE) * count + row / TILE) * columns;
    for (i, row) in (TILE * rows.start..TILE * rows.end).enumerate() {
        match plane[(row * width).min(plane.len())..].get(..width) {
            Some(pixels) => padded[..width].copy_from_slice(pixels),
            None => padded.fill(0.0),
        }
        split(padded, parts, TILE);
        for (x, pair) in form.outputs.iter().enumerate() {
            combine(&mut lines[place(x, i)..][..columns], pair, |part| &parts[part * columns..]);
        }
    }
    for (y, pair) in form.outputs.iter().enumerate() {
        for x in 0..form.side() {
            let start = (y * form.side() + x) * point;
            combine(&mut out[start..start + count * columns], pair, |row| &lines[place(x, row)..]);
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
    let (columns, count) = (width.div_ceil(TILE), rows.len());
    let (lines, padded, parts) = room(memory, form.side() * TILE * count * columns, TILE * columns);
    let place = |x: usize, row: usize| ((x * TILE + row % TILE) * count + row / TILE) * columns;
    lines.fill(0.0);
    for (y, pair) in form.outputs.iter().enumerate() {
        for x in 0..form.side() {
            let points = &points[(y * form.side() + x) * point..][..count * columns];
            spread(points, pair, lines, |row| place(x, row));
        }
    }
    for (i, row) in (TILE * rows.start..TILE * rows.end).enumerate().filter(|(_, row)| *row < height) {
        parts.fill(0.0);
        for (x, pair) in form.outputs.iter().enumerate() {
            spread(&lines[place(x, i)..][..columns], pair, parts, |part| part * columns);
        }
        join(parts, padded, TILE);
        plane[row * width..][..width].copy_from_slice(&padded[..width]);
    }
}

/// A pair of what `of` finds.
#[inline(always)]
fn combine<'a>(out: &mut [f32], &((a, times), (b, and)): &Pair, of: impl Fn(usize) -> &'a [f32]) {
    let (a, b) = (&of(a)[..out.len()], &of(b)[..out.len()]);
    let ((a, a_rest), (b, b_rest), (out, rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>(), out.as_chunks_mut());
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        *out = std::array::from_fn::<f32, LANES, _>(|lane| times * a[lane] + and * b[lane]);
    }
    for ((out, a), b) in rest.iter_mut().zip(a_rest).zip(b_rest) {
        *out = times * a + and * b;
    }
}

/// The transpose of [`combine`]: adds `points` to what it was made of, found at `at` among `out`.
#[inline(always)]
fn spread(points: &[f32], pair: &Pair, out: &mut [f32], at: impl Fn(usize) -> usize) {
    for (place, times) in [pair.0, pair.1] {
        if times == 0.0 {
            continue;
        }
        let (out, rest) = out[at(place)..][..points.len()].as_chunks_mut::<LANES>();
        let (points, points_rest) = points.as_chunks::<LANES>();
        for (out, points) in out.iter_mut().zip(points) {
            *out = std::array::from_fn(|lane| out[lane] + times * points[lane]);
        }
        for (out, point) in rest.iter_mut().zip(points_rest) {
            *out += times * point;
        }
    }
}

/// So many parts of `values`: the first has the first of every so many values, the next the second ones.
#[inline(always)]
fn split(values: &[f32], parts: &mut [f32], count: usize) {
    if count == 2 { split_into::<2>(values, parts) } else { split_into::<4>(values, parts) }
}

#[inline(always)]
fn split_into<const N: usize>(values: &[f32], parts: &mut [f32]) {
    for (i, part) in parts.chunks_exact_mut(values.len() / N).enumerate().take(N) {
        for (out, values) in part.iter_mut().zip(values.as_chunks::<N>().0) {
            *out = values[i];
        }
    }
}

/// The way back.
#[inline(always)]
fn join(parts: &[f32], values: &mut [f32], count: usize) {
    let (left, right) = parts.split_at(parts.len() / 2);
    if count == 2 {
        for ((values, a), b) in values.as_chunks_mut().0.iter_mut().zip(left).zip(right) {
            *values = [*a, *b];
        }
        return;
    }
    let ((a, b), (c, d)) = (left.split_at(left.len() / 2), right.split_at(right.len() / 2));
    for ((((values, a), b), c), d) in values.as_chunks_mut().0.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        *values = [*a, *b, *c, *d];
    }
}
