//! Winograd's minimal filtering (Lavin, Gray 2016, §4.1): the output pixels of an m×m tile from (m + r − 1)² products
//! of every pair of channels, where a convolution of r×r has m²·r².
//!
//! F(4×4, 3×3) is 36 products for 144, F(2×2, 3×3) 16 for 36. F(4×4, 2×2), 25 for 64, and F(2×2, 2×2), 9 for 16, are
//! for each phase of a doubling by 4×4, and for the 4×4 of stride 2, which sums four 2×2 windows, one over the pixels of
//! each parity. Larger tiles have fewer products a pixel, and larger weights.
//!
//! A task takes some tiles through three steps that stay in the cache: the tiles' input pixels to points, a matrix
//! product at each point, and the points of the sums back to pixels.

mod form;

pub(super) use form::Form;

use super::buffer::Buffer;
use super::kernel::{Kernel, LANES, MAX_ROWS, Strand, Sums, VECTORS};
use super::layer::{Phase, Tap};
use super::run::{Common, Work};
use super::vector::Vector;
use super::windows::tiles;
use crate::kernels::winograd::side;
use std::cell::RefCell;
use std::ops::Range;

/// Some tiles, counted over all pictures, in some panels.
pub(super) struct Task<'a, K: Kernel> {
    pub(super) common: &'a Common<'a, K>,
    pub(super) phase: &'a Phase<K>,
    pub(super) form: Form,
    pub(super) units: Range<usize>,
    pub(super) panels: Range<usize>,
}

/// A tile's first output pixel.
struct Corner {
    picture: usize,
    y: usize,
    x: usize,
}

/// A thread's memory, kept from task to task.
#[derive(Default)]
struct Scratch {
    corners: Vec<Corner>,
    /// `(points, tiles, depth)`, each point's some vectors further than the last one's end.
    points: Vec<f32>,
    /// `(points, tiles, columns of a panel)`.
    sums: Vec<Row>,
}

/// A row of [`Sums`], aligned as they are.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Row([f32; VECTORS * LANES]);

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl<K: Kernel> Work for Task<'_, K> {
    #[inline(always)]
    unsafe fn run(&self) {
        // SAFETY: as the caller says.
        unsafe {
            match (self.form.taps, self.form.tile) {
                (2, 2) => self.draw::<3, 2>(),
                (2, _) => self.draw::<5, 4>(),
                (_, 2) => self.draw::<4, 2>(),
                _ => self.draw::<6, 4>(),
            }
        }
    }
}

/// `SIDE` is [`Form::side`], `TILE` that of a tile of outputs.
impl<K: Kernel> Task<'_, K> {
    #[inline(always)]
    unsafe fn draw<const SIDE: usize, const TILE: usize>(&self) {
        let mut scratch = SCRATCH.take();
        let (count, depth, points) = (self.units.len(), self.form.depth(&self.common.layer.inputs), SIDE * SIDE);
        // Not a multiple of a page: the points' tiles would fall on the same lines of the L1 cache.
        let plane = count * depth + LANES;
        if scratch.points.len() < points * plane {
            scratch.points.resize(points * plane, 0.0);
        }
        // A kernel's sums are `MAX_ROWS` rows, whatever it uses of them.
        if scratch.sums.len() < points * count + MAX_ROWS {
            scratch.sums.resize(points * count + MAX_ROWS, Row([0.0; VECTORS * LANES]));
        }
        scratch.corners.clear();
        scratch.corners.extend(self.units.clone().map(|unit| self.corner(unit)));
        // SAFETY: the scratch was made to fit, and `convolve` has checked the buffers.
        unsafe {
            for (i, corner) in scratch.corners.iter().enumerate() {
                let mut to = scratch.points[i * depth..].as_mut_ptr();
                for (buffer, tap) in self.common.inputs.iter().zip(&self.phase.taps) {
                    for parity in self.form.parities() {
                        self.analyse::<SIDE>((buffer, tap), parity, corner, to, plane);
                        to = to.add(buffer.channels);
                    }
                }
            }
            for panel in self.panels.clone() {
                self.multiply(panel, (&scratch.points, plane), (depth, points), &mut scratch.sums);
                for (i, corner) in scratch.corners.iter().enumerate() {
                    self.synthesise::<SIDE, TILE>(panel, corner, scratch.sums[i..].as_ptr());
                }
            }
        }
        SCRATCH.set(scratch);
    }

    #[inline(always)]
    fn corner(&self, unit: usize) -> Corner {
        let (area, tile) = (&self.common.place.area, self.form.tile);
        let (rows, columns) = (area.rows.len().div_ceil(tile), area.columns.len().div_ceil(tile));
        let (line, column) = (unit / columns, unit % columns);
        let (y, x) = (area.rows.start + line % rows * tile, area.columns.start + column * tile);
        Corner { picture: line / rows, y, x }
    }

    /// The points `Bᵀ d B` of a tile's small windows of one parity over one input, a point every `plane` values from
    /// `points` on.
    #[inline(always)]
    unsafe fn analyse<const SIDE: usize>(
        &self,
        (buffer, tap): (&Buffer<K::Value>, &Tap),
        parity: (usize, usize),
        corner: &Corner,
        points: *mut f32,
        plane: usize,
    ) {
        let step = self.form.step;
        // Of a tile that reaches beyond the area, the outputs inside do not see what lies beyond the last window.
        let area = &self.common.place.area;
        let place = |pixel: usize, end: usize, kernel: usize| pixel.min((end - 1) * step + kernel - 1) as isize;
        let row = |i| {
            let row = place(corner.y * step + parity.0 + i * step, area.rows.end, tap.kernel.0) + tap.origin.0;
            row * buffer.pitch() as isize
        };
        let column = |i| {
            let column = place(corner.x * step + parity.1 + i * step, area.columns.end, tap.kernel.1) + tap.origin.1;
            column * buffer.channels as isize
        };
        let columns: [isize; SIDE] = std::array::from_fn(column);
        // SAFETY: the tile's pixels lie in the buffer and its halo, a pixel's channels are whole vectors, and values
        // are f32 by `Form::of`.
        unsafe {
            let start = buffer.as_ptr().add(buffer.origin(corner.picture)).cast::<f32>();
            let rows: [_; SIDE] = std::array::from_fn(|i| start.offset(row(i)));
            // What the tile to the right reads anew.
            let next = self.form.tile * step * buffer.channels;
            for first in (0..buffer.channels).step_by(K::Vector::WIDTH) {
                let mut lines = [[K::Vector::all(0.0); SIDE]; SIDE];
                for (line, row) in lines.iter_mut().zip(rows) {
                    let mut pixels = [K::Vector::all(0.0); SIDE];
                    for (pixel, column) in pixels.iter_mut().zip(columns) {
                        *pixel = K::Vector::load(row.offset(column).add(first));
                    }
                    if first.is_multiple_of(LANES) {
                        for column in &columns[SIDE - self.form.tile..] {
                            K::announce(row.wrapping_offset(*column).wrapping_add(first + next).cast());
                        }
                    }
                    *line = side::inputs(pixels);
                }
                for x in 0..SIDE {
                    let column = side::inputs(across(&lines, x));
                    for (y, values) in column.into_iter().enumerate() {
                        values.store(points.add((y * SIDE + x) * plane + first));
                    }
                }
            }
        }
    }

    /// The product at each point: `(tiles, depth)` by the panel's `(depth, columns)`.
    #[inline(always)]
    unsafe fn multiply(
        &self,
        panel: usize,
        (points, plane): (&[f32], usize),
        (depth, count): (usize, usize),
        sums: &mut [Row],
    ) {
        let (weights, vectors) = self.phase.weights.panel(panel);
        let tiles_here = self.units.len();
        for point in 0..count {
            let weights = &weights[point * depth * vectors * LANES..];
            for rows in tiles::<K>(tiles_here) {
                let strand = Strand {
                    start: points[point * plane + rows.start * depth..].as_ptr().cast::<K::Value>(),
                    row: depth,
                    segments: 1,
                    segment_step: 0,
                    length: depth,
                };
                let sums = &mut sums[point * tiles_here + rows.start..][..MAX_ROWS];
                // SAFETY: `MAX_ROWS` rows are the sums of a tile, aligned alike; the strand's rows are tiles of this
                // task, and the weights are `depth` factors of the panel's columns.
                unsafe {
                    let sums = &mut *sums.as_mut_ptr().cast::<Sums>();
                    K::tile(&[strand], weights.as_ptr(), rows.len(), vectors, sums);
                }
            }
        }
    }

    /// The output pixels of a tile, `Aᵀ m A`, finished and stored. Its points' sums are every so many rows as the task
    /// has tiles.
    #[inline(always)]
    unsafe fn synthesise<const SIDE: usize, const TILE: usize>(&self, panel: usize, corner: &Corner, sums: *const Row) {
        let (common, (_, vectors)) = (self.common, self.phase.weights.panel(panel));
        let (count, area) = (self.units.len(), &common.place.area);
        let pixel = common.pixel(self.phase, (corner.picture, corner.y), corner.x);
        for column in (0..vectors * LANES).step_by(K::Vector::WIDTH) {
            let channel = panel * VECTORS * LANES + column;
            // SAFETY: the sums are those of this tile, scale and shift are as long as the panels are wide, and the
            // places are the tile's own pixels in the outputs and in what has their geometry.
            unsafe {
                let mut lines = [[K::Vector::all(0.0); TILE]; SIDE];
                for (x, line) in lines.iter_mut().enumerate() {
                    let mut points = [K::Vector::all(0.0); SIDE];
                    for (y, point) in points.iter_mut().enumerate() {
                        *point = K::Vector::load(sums.add((y * SIDE + x) * count).cast::<f32>().add(column));
                    }
                    *line = side::outputs(points);
                }
                let scale = K::Vector::load(common.scale[channel..].as_ptr());
                let shift = K::Vector::load(common.shift[channel..].as_ptr());
                for y in 0..TILE {
                    let line: [_; TILE] = side::outputs(across(&lines, y));
                    for (x, values) in line.into_iter().enumerate() {
                        if corner.y + y < area.rows.end && corner.x + x < area.columns.end {
                            let place = y * common.place.pitch + x * common.place.channels;
                            let place = pixel + common.layer.grid * place + channel;
                            self.finish(place, values.mul(scale).add(shift));
                            if column.is_multiple_of(LANES) {
                                self.announce(place + common.layer.grid * TILE * common.place.channels);
                            }
                        }
                    }
                }
            }
        }
    }

    /// Announces what [`Self::finish`] takes at `place`: a line to be written is read before.
    #[inline(always)]
    fn announce(&self, place: usize) {
        for &(output, _) in &self.common.outputs {
            K::announce(output.wrapping_add(place));
        }
        if let Some(residual) = self.common.residual {
            K::announce(residual.wrapping_add(place));
        }
    }

    /// Adds the residual, and stores the vector rectified at `place` of every output.
    #[inline(always)]
    unsafe fn finish(&self, place: usize, values: K::Vector) {
        // SAFETY: as the caller says.
        unsafe {
            let values = match self.common.residual {
                Some(residual) => values.add(K::Vector::load(residual.add(place).cast())),
                None => values,
            };
            for &(output, slope) in &self.common.outputs {
                values.max(values.mul(K::Vector::all(slope))).store(output.add(place).cast());
            }
        }
    }
}

/// The values at `at` of all lines; no line is copied, as `map` would.
#[inline(always)]
fn across<V: Copy, const LINES: usize, const LEN: usize>(lines: &[[V; LEN]; LINES], at: usize) -> [V; LINES] {
    std::array::from_fn(|line| lines[line][at])
}
