//! Winograd's minimal filtering F(2×2, 3×3) (Lavin, Gray 2016, §4.1): the four output pixels of a 2×2 tile from 16
//! products of every pair of channels, where a 3×3 convolution has 36.
//!
//! A task takes some tiles through three steps that stay in the cache: the tiles' 4×4 input pixels to 16 points, a
//! matrix product at each point, and the points of the sums back to pixels.

use super::kernel::{Kernel, LANES, MAX_ROWS, Strand, Sums, VECTORS, Value};
use super::layer::{Input, Phase, Source, Tap};
use super::run::{Common, Work, tiles};
use std::cell::RefCell;
use std::ops::Range;

/// Side of a tile's input, pixels.
const SIDE: usize = 4;
/// Points of a tile.
const POINTS: usize = SIDE * SIDE;
/// Pixels from one tile to the next.
pub(super) const STEP: usize = 2;
/// Channels below which the transforms cost more than the products they save.
const LEAST_CHANNELS: usize = 16;
/// Bytes of a task's points, before and after the products: beside a panel they stay in the L2 cache.
const CACHE: usize = 512 * 1024;

/// Some channels of a pixel or point.
type Vector = [f32; LANES];

/// Whether a phase of these taps is drawn this way: bf16's eight bits do not bear the transforms' differences.
pub(super) fn suits<K: Kernel>(grid: usize, inputs: &[Input], taps: &[Tap]) -> bool {
    let whole = size_of::<K::Value>() == size_of::<f32>() && K::GROUP == 1 && K::CHUNK == 1;
    let plain = |(input, tap): (&Input, &Tap)| {
        input.step == 1 && tap.kernel == (3, 3) && tap.origin == (-1, -1) && input.channels >= LEAST_CHANNELS
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

/// Points of a thread's tiles, kept from task to task.
#[derive(Default)]
struct Scratch {
    /// `(16, tiles, channels)`, each point's some vectors further than the last one's end.
    inputs: Vec<f32>,
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
        let mut scratch = SCRATCH.with(|scratch| std::mem::take(&mut *scratch.borrow_mut()));
        let (count, channels) = (self.units.len(), self.common.inputs[0].channels);
        // Not a multiple of a page: the points' tiles would fall on the same lines of the L1 cache.
        let plane = count * channels + LANES;
        if scratch.inputs.len() < POINTS * plane {
            scratch.inputs.resize(POINTS * plane, 0.0);
        }
        // A kernel's sums are `MAX_ROWS` rows, whatever it uses of them.
        if scratch.sums.len() < POINTS * count + MAX_ROWS {
            scratch.sums.resize(POINTS * count + MAX_ROWS, Row([0.0; VECTORS * LANES]));
        }
        // SAFETY: the scratch was made to fit, and `convolve` has checked the buffers.
        unsafe {
            for unit in 0..count {
                self.analyse(self.units.start + unit, &mut scratch.inputs[unit * channels..], plane);
            }
            for panel in self.panels.clone() {
                self.multiply(panel, &scratch.inputs, plane, &mut scratch.sums);
                self.synthesise(panel, &scratch.sums);
            }
        }
        SCRATCH.with(|kept| *kept.borrow_mut() = scratch);
    }
}

impl<K: Kernel> Task<'_, K> {
    /// The picture of tile `unit`, and the output pixel in its corner.
    #[inline(always)]
    fn corner(&self, unit: usize) -> (usize, usize, usize) {
        let (height, width) = self.common.place.size;
        let (rows, columns) = (height.div_ceil(STEP), width.div_ceil(STEP));
        let (line, column) = (unit / columns, unit % columns);
        (line / rows, line % rows * STEP, column * STEP)
    }

    /// The 16 points of a tile, `Bᵀ d B`, a point every `plane` values of `points`.
    #[inline(always)]
    unsafe fn analyse(&self, unit: usize, points: &mut [f32], plane: usize) {
        let buffer = self.common.inputs[0];
        let (channels, halo) = (buffer.channels, buffer.halo);
        let (picture, y, x) = self.corner(unit);
        // Of a tile that reaches beyond an odd side, the outputs inside do not see the pixels beyond the halo.
        let row = |i: usize| (y + i).min(buffer.height + halo) as isize - 1;
        let column = |i: usize| (x + i).min(buffer.width + halo) as isize - 1;
        let rows: [isize; SIDE] = std::array::from_fn(|i| row(i) * buffer.pitch() as isize);
        let columns: [isize; SIDE] = std::array::from_fn(|i| column(i) * channels as isize);
        let mut first = 0;
        while first < channels {
            let mut lines = [[[0.0; LANES]; SIDE]; SIDE];
            for (line, row) in lines.iter_mut().zip(rows) {
                let mut pixels = [[0.0; LANES]; SIDE];
                for (pixel, column) in pixels.iter_mut().zip(columns) {
                    let place = buffer.origin(picture) as isize + row + column + first as isize;
                    // SAFETY: the pixel lies in the buffer or its halo, and a pixel's channels are whole vectors.
                    let values = unsafe { &*buffer.as_ptr().offset(place).cast::<[K::Value; LANES]>() };
                    for lane in 0..LANES {
                        pixel[lane] = values[lane].f32();
                    }
                }
                *line = difference(pixels);
            }
            for x in 0..SIDE {
                let column = difference(std::array::from_fn(|y| lines[y][x]));
                for (y, values) in column.iter().enumerate() {
                    let start = (y * SIDE + x) * plane + first;
                    points[start..start + LANES].copy_from_slice(values);
                }
            }
            first += LANES;
        }
    }

    /// The product at each point: `(tiles, channels)` by the panel's `(channels, columns)`.
    #[inline(always)]
    unsafe fn multiply(&self, panel: usize, inputs: &[f32], plane: usize, sums: &mut [Row]) {
        let (weights, vectors) = self.phase.weights.panel(panel);
        let (count, channels) = (self.units.len(), self.common.inputs[0].channels);
        for point in 0..POINTS {
            let weights = &weights[point * channels * vectors * LANES..];
            for rows in tiles::<K>(count) {
                let strand = Strand {
                    // f32 by `suits`.
                    start: inputs[point * plane + rows.start * channels..].as_ptr().cast::<K::Value>(),
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

    /// The output pixels of all tiles, `Aᵀ m A`, finished and stored.
    #[inline(always)]
    unsafe fn synthesise(&self, panel: usize, sums: &[Row]) {
        let (_, vectors) = self.phase.weights.panel(panel);
        let (count, (height, width)) = (self.units.len(), self.common.place.size);
        for v in 0..vectors {
            let channel = (panel * VECTORS + v) * LANES;
            let (scale, shift) = self.common.gain(channel);
            for unit in 0..count {
                let (picture, top, left) = self.corner(self.units.start + unit);
                let mut lines = [[[0.0; LANES]; SIDE]; STEP];
                for x in 0..SIDE {
                    let point = |y: usize| {
                        let mut values = [0.0; LANES];
                        values.copy_from_slice(&sums[(y * SIDE + x) * count + unit].0[v * LANES..][..LANES]);
                        values
                    };
                    let [upper, lower] = gathered(std::array::from_fn(point));
                    (lines[0][x], lines[1][x]) = (upper, lower);
                }
                for (y, line) in lines.into_iter().enumerate().take(height - top) {
                    for (x, values) in gathered(line).iter().enumerate().take(width - left) {
                        let line = picture * height + top + y;
                        let place = self.common.pixel(self.phase, line, left + x) + channel;
                        // SAFETY: as the caller says.
                        unsafe { self.common.store(place, values, &scale, &shift) }
                    }
                }
            }
        }
    }
}

/// `Bᵀ d`.
#[inline(always)]
fn difference([a, b, c, d]: [Vector; SIDE]) -> [Vector; SIDE] {
    let mut out = [[0.0; LANES]; SIDE];
    for lane in 0..LANES {
        out[0][lane] = a[lane] - c[lane];
        out[1][lane] = b[lane] + c[lane];
        out[2][lane] = c[lane] - b[lane];
        out[3][lane] = b[lane] - d[lane];
    }
    out
}

/// `Aᵀ m`.
#[inline(always)]
fn gathered([a, b, c, d]: [Vector; SIDE]) -> [Vector; STEP] {
    let mut out = [[0.0; LANES]; STEP];
    for lane in 0..LANES {
        out[0][lane] = a[lane] + b[lane] + c[lane];
        out[1][lane] = b[lane] - c[lane] - d[lane];
    }
    out
}
