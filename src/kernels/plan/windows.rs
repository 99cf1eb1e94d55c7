//! A task of any layer: sums over the windows around output pixels, read where they lie or copied together first.

use super::in_turn::InTurn;
use super::kernel::{Kernel, LANES, Strand};
use super::layer::Phase;
use super::run::{Common, Work};
use std::ops::Range;

/// Some output rows (or pixels, where tasks gather) of one phase, in some panels.
pub(super) struct Task<'a, K: Kernel> {
    pub(super) common: &'a Common<'a, K>,
    pub(super) phase: &'a Phase<K>,
    pub(super) units: Range<usize>,
    pub(super) panels: Range<usize>,
}

impl<K: Kernel> Work for Task<'_, K> {
    #[inline(always)]
    unsafe fn run(&self) {
        let common = self.common;
        let columns = &common.place.area.columns;
        let mut sums = InTurn::new(common, self.phase);
        // SAFETY: strands and pixels are those of this task's units, inside the buffers.
        unsafe {
            if common.gathers {
                let (windows, pitch) = self.gather();
                for panel in self.panels.clone() {
                    for tile in tiles::<K>(self.units.len()) {
                        let strand = Strand {
                            start: windows[tile.start * pitch..].as_ptr(),
                            row: pitch,
                            segments: 1,
                            segment_step: 0,
                            length: self.phase.weights.factors(),
                        };
                        let units = self.units.start + tile.start..self.units.start + tile.end;
                        let pixels = units.map(|unit| {
                            let (line, x) = self.pixel(unit);
                            common.pixel(self.phase, common.row(line), x)
                        });
                        sums.tile((panel, false), &[strand], pixels);
                    }
                }
            } else {
                let mut strands = Vec::with_capacity(self.phase.taps.len());
                let step = common.layer.grid * common.place.channels;
                for panel in self.panels.clone() {
                    // Downwards, so that of a window's rows only the last one is new to the L1 cache.
                    for tile in tiles::<K>(columns.len()) {
                        let x = columns.start + tile.start;
                        for line in self.units.clone() {
                            strands.clear();
                            self.strands(line, x, &mut strands);
                            let first = common.pixel(self.phase, common.row(line), x);
                            let pixels = (0..tile.len()).map(|x| first + x * step);
                            sums.tile((panel, panel == self.panels.start), &strands, pixels);
                        }
                    }
                }
            }
            sums.finish();
        }
    }
}

impl<K: Kernel> Task<'_, K> {
    /// The line of an output pixel that is gathered, and its column.
    #[inline(always)]
    fn pixel(&self, unit: usize) -> (usize, usize) {
        let columns = &self.common.place.area.columns;
        (unit / columns.len(), columns.start + unit % columns.len())
    }

    /// The windows of the output pixels from (`line`, `x`) on to the right.
    #[inline(always)]
    unsafe fn strands(&self, line: usize, x: usize, strands: &mut Vec<Strand<K::Value>>) {
        let common = self.common;
        let (picture, y) = common.row(line);
        for ((input, buffer), tap) in common.layer.inputs.iter().zip(common.inputs).zip(&self.phase.taps) {
            let (row, column) = ((y * input.step) as isize + tap.origin.0, (x * input.step) as isize + tap.origin.1);
            let offset = row * buffer.pitch() as isize + column * buffer.channels as isize;
            strands.push(Strand {
                // SAFETY: `convolve` has checked that the window lies inside the buffer and its halo.
                start: unsafe { buffer.as_ptr().add(buffer.origin(picture)).offset(offset) },
                row: input.step * buffer.channels,
                segments: tap.kernel.0,
                segment_step: buffer.pitch(),
                length: tap.row::<K>(buffer.channels),
            });
        }
    }

    /// The windows of this task's pixels, one after another, and the distance between two.
    unsafe fn gather(&self) -> (Vec<K::Value>, usize) {
        // A little more than the window: windows of 4096 bytes would fall on the same lines of the L1 cache.
        let pitch = self.phase.weights.factors() + LANES;
        let rows = self.units.len().max(K::LEAST_ROWS);
        let mut windows = Vec::with_capacity(rows * pitch);
        let mut strands = Vec::new();
        for unit in self.units.clone() {
            strands.clear();
            let (line, x) = self.pixel(unit);
            // SAFETY: as the caller says.
            unsafe { self.strands(line, x, &mut strands) };
            for strand in &strands {
                for segment in 0..strand.segments {
                    // SAFETY: a segment lies inside its buffer, with what is read beyond.
                    windows.extend_from_slice(unsafe {
                        std::slice::from_raw_parts(strand.start.add(segment * strand.segment_step), strand.length)
                    });
                }
            }
            // Up to the next window's start: the zeros that fill a chunk, and the gap.
            windows.resize(windows.len().next_multiple_of(pitch), K::Value::default());
        }
        windows.resize(rows * pitch, K::Value::default());
        (windows, pitch)
    }
}

/// `count` rows in tiles as equal as can be.
pub fn tiles<K: Kernel>(count: usize) -> impl Iterator<Item = Range<usize>> {
    let tiles = count.div_ceil(K::ROWS);
    (0..tiles).map(move |i| count * i / tiles..count * (i + 1) / tiles)
}
