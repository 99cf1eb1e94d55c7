//! Winograd's minimal filtering F(2×2, 3×3) (Lavin, Gray 2016, §4.1): the four output pixels of a 2×2 tile from 16
//! products of every pair of channels, where a 3×3 convolution has 36.
//!
//! A task takes some tiles through three steps that stay in the cache: the tiles' 4×4 input pixels to 16 points, a
//! matrix product at each point, and the points of the sums back to pixels.

use super::kernel::{Kernel, LANES, MAX_ROWS, Strand, Sums, VECTORS};
use super::layer::{Input, Phase, Source, Tap};
use super::run::{Common, Work};
use super::vector::Vector;
use super::windows::tiles;
use std::any::TypeId;
use std::cell::RefCell;
use std::ops::Range;

/// Side of a tile's input, pixels.
const SIDE: usize = 4;
/// Points of a tile.
const POINTS: usize = SIDE * SIDE;
/// Pixels from one tile to the next.
pub(super) const STEP: usize = 2;
/// Bytes of a task's points, before and after the products: beside a panel they stay in the L2 cache.
const CACHE: usize = 512 * 1024;

/// Whether a phase of these taps is drawn this way: its pixels are whole vectors, of f32, as bf16's eight bits do not
/// bear the transforms' differences.
pub(super) fn suits<K: Kernel>(grid: usize, inputs: &[Input], taps: &[Tap]) -> bool {
    let whole = TypeId::of::<K::Value>() == TypeId::of::<f32>() && K::CHUNK == 1;
    let plain = |(input, tap): (&Input, &Tap)| {
        input.step == 1 && tap.kernel == (3, 3) && tap.origin == (-1, -1) && input.channels.is_multiple_of(LANES)
    };
    whole && grid == 1 && inputs.len() == 1 && inputs.iter().zip(taps).all(plain)
}

/// `G g Gᵀ` of every output's and channel's 3×3 weights: `(outputs, 16, channels)`, channels filled up with zeros.
pub(super) fn points(source: &Source<'_>, outputs: usize, channels: usize) -> Vec<f32> {
    let spread = |[a, b, c]: [f64; 3]| [a, (a + b + c) / 2.0, (a - b + c) / 2.0, c];
    let mut points = vec![0.0; outputs * POINTS * channels];
    for output in 0..outputs {
        for c in 0..source.channels {
            let weight = |y: usize, x: usize| {
                let place = output * source.output + c * source.channel + source.rows[y] + source.columns[x];
                f64::from(source.weights[place])
            };
            let rows: [_; 3] = std::array::from_fn(|y| spread([0, 1, 2].map(|x| weight(y, x))));
            for x in 0..SIDE {
                for (y, value) in spread(rows.map(|row| row[x])).into_iter().enumerate() {
                    points[(output * POINTS + y * SIDE + x) * channels + c] = value as f32;
                }
            }
        }
    }
    points
}

/// How many factors of a panel all points take.
pub(super) fn factors(channels: usize) -> usize {
    POINTS * channels
}

/// Tiles of a task: whole rows of the kernel's.
pub(super) fn chunk<K: Kernel>(channels: usize) -> usize {
    let tile = POINTS * (channels + VECTORS * LANES) * size_of::<f32>();
    (CACHE / tile / K::ROWS * K::ROWS).max(K::ROWS)
}

/// Some tiles, counted over all pictures, in some panels.
pub(super) struct Task<'a, K: Kernel> {
    pub(super) common: &'a Common<'a, K>,
    pub(super) phase: &'a Phase<K>,
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
    /// `(16, tiles, channels)`, each point's some vectors further than the last one's end.
    points: Vec<f32>,
    /// `(16, tiles, columns of a panel)`.
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
        let mut scratch = SCRATCH.take();
        let (count, channels) = (self.units.len(), self.common.inputs[0].channels);
        // Not a multiple of a page: the points' tiles would fall on the same lines of the L1 cache.
        let plane = count * channels + LANES;
        if scratch.points.len() < POINTS * plane {
            scratch.points.resize(POINTS * plane, 0.0);
        }
        // A kernel's sums are `MAX_ROWS` rows, whatever it uses of them.
        if scratch.sums.len() < POINTS * count + MAX_ROWS {
            scratch.sums.resize(POINTS * count + MAX_ROWS, Row([0.0; VECTORS * LANES]));
        }
        scratch.corners.clear();
        scratch.corners.extend(self.units.clone().map(|unit| self.corner(unit)));
        // SAFETY: the scratch was made to fit, and `convolve` has checked the buffers.
        unsafe {
            for (i, corner) in scratch.corners.iter().enumerate() {
                self.analyse(corner, scratch.points[i * channels..].as_mut_ptr(), plane);
            }
            for panel in self.panels.clone() {
                self.multiply(panel, &scratch.points, plane, &mut scratch.sums);
                for (i, corner) in scratch.corners.iter().enumerate() {
                    self.synthesise(panel, corner, scratch.sums[i..].as_ptr());
                }
            }
        }
        SCRATCH.set(scratch);
    }
}

impl<K: Kernel> Task<'_, K> {
    #[inline(always)]
    fn corner(&self, unit: usize) -> Corner {
        let (height, width) = self.common.place.size;
        let (rows, columns) = (height.div_ceil(STEP), width.div_ceil(STEP));
        let (line, column) = (unit / columns, unit % columns);
        Corner { picture: line / rows, y: line % rows * STEP, x: column * STEP }
    }

    /// The 16 points of a tile, `Bᵀ d B`, a point every `plane` values from `points` on.
    #[inline(always)]
    unsafe fn analyse(&self, corner: &Corner, points: *mut f32, plane: usize) {
        let buffer = self.common.inputs[0];
        let (channels, halo) = (buffer.channels, buffer.halo);
        // Of a tile that reaches beyond an odd side, the outputs inside do not see the pixels beyond the halo.
        let row = |i: usize| ((corner.y + i).min(buffer.height + halo) as isize - 1) * buffer.pitch() as isize;
        let column = |i: usize| ((corner.x + i).min(buffer.width + halo) as isize - 1) * channels as isize;
        let columns: [isize; SIDE] = std::array::from_fn(column);
        // SAFETY: the tile's pixels lie in the buffer and its halo, a pixel's channels are whole vectors, and values
        // are f32 by `suits`.
        unsafe {
            let start = buffer.as_ptr().add(buffer.origin(corner.picture)).cast::<f32>();
            let rows: [_; SIDE] = std::array::from_fn(|i| start.offset(row(i)));
            for first in (0..channels).step_by(K::Vector::WIDTH) {
                let mut lines = [[K::Vector::all(0.0); SIDE]; SIDE];
                for (line, row) in lines.iter_mut().zip(rows) {
                    let mut pixels = [K::Vector::all(0.0); SIDE];
                    for (pixel, column) in pixels.iter_mut().zip(columns) {
                        *pixel = K::Vector::load(row.offset(column).add(first));
                    }
                    *line = difference(pixels);
                }
                for x in 0..SIDE {
                    let [a, b, c, d] = lines;
                    let column = difference([a[x], b[x], c[x], d[x]]);
                    for (y, values) in column.into_iter().enumerate() {
                        values.store(points.add((y * SIDE + x) * plane + first));
                    }
                }
            }
        }
    }

    /// The product at each point: `(tiles, channels)` by the panel's `(channels, columns)`.
    #[inline(always)]
    unsafe fn multiply(&self, panel: usize, points: &[f32], plane: usize, sums: &mut [Row]) {
        let (weights, vectors) = self.phase.weights.panel(panel);
        let (count, channels) = (self.units.len(), self.common.inputs[0].channels);
        for point in 0..POINTS {
            let weights = &weights[point * channels * vectors * LANES..];
            for rows in tiles::<K>(count) {
                let strand = Strand {
                    start: points[point * plane + rows.start * channels..].as_ptr().cast::<K::Value>(),
                    row: channels,
                    segments: 1,
                    segment_step: 0,
                    length: channels,
                };
                let sums = &mut sums[point * count + rows.start..][..MAX_ROWS];
                // SAFETY: `MAX_ROWS` rows are the sums of a tile, aligned alike; the strand's rows are tiles of this
                // task, and the weights are `channels` factors of the panel's columns.
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
    unsafe fn synthesise(&self, panel: usize, corner: &Corner, sums: *const Row) {
        let (common, (_, vectors)) = (self.common, self.phase.weights.panel(panel));
        let (count, (height, width)) = (self.units.len(), common.place.size);
        let pixel = common.pixel(self.phase, corner.picture * height + corner.y, corner.x);
        for column in (0..vectors * LANES).step_by(K::Vector::WIDTH) {
            let channel = panel * VECTORS * LANES + column;
            // SAFETY: the sums are those of this tile, scale and shift are as long as the panels are wide, and the
            // places are the tile's own pixels in the outputs and in what has their geometry.
            unsafe {
                let [mut upper, mut lower] = [[K::Vector::all(0.0); SIDE]; STEP];
                for (x, (upper, lower)) in upper.iter_mut().zip(&mut lower).enumerate() {
                    let mut points = [K::Vector::all(0.0); SIDE];
                    for (y, point) in points.iter_mut().enumerate() {
                        *point = K::Vector::load(sums.add((y * SIDE + x) * count).cast::<f32>().add(column));
                    }
                    [*upper, *lower] = gathered(points);
                }
                let scale = K::Vector::load(common.scale[channel..].as_ptr());
                let shift = K::Vector::load(common.shift[channel..].as_ptr());
                for (y, line) in [upper, lower].into_iter().enumerate() {
                    for (x, values) in gathered(line).into_iter().enumerate() {
                        if corner.y + y < height && corner.x + x < width {
                            let place = pixel + y * common.place.pitch + x * common.place.channels + channel;
                            self.finish(place, values.mul(scale).add(shift));
                        }
                    }
                }
            }
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

/// `Bᵀ d`.
#[inline(always)]
unsafe fn difference<V: Vector>([a, b, c, d]: [V; SIDE]) -> [V; SIDE] {
    // SAFETY: as the caller says: the machine has the instructions.
    unsafe { [a.sub(c), b.add(c), c.sub(b), b.sub(d)] }
}

/// `Aᵀ m`.
#[inline(always)]
unsafe fn gathered<V: Vector>([a, b, c, d]: [V; SIDE]) -> [V; STEP] {
    // SAFETY: as the caller says: the machine has the instructions.
    unsafe { [a.add(b).add(c), b.sub(c).sub(d)] }
}
