//! Pixels to quantised coefficients, in passes over the lines of a row of MCUs.

use std::array;
use std::mem;

use multiversion::multiversion;

use super::Blocks;
use crate::imaging::jpeg::paint::basis;

/// What of three components the row's lines and coefficients are kept in.
pub(super) struct Row {
    pub blocks: Blocks,
    /// Samples of a line: the width, up to whole MCUs.
    stride: usize,
    /// `[coefficient][sample]`, and the other way round.
    basis: [[f32; 8]; 8],
    turned: [[f32; 8]; 8],
    /// One over the steps of luma and chroma.
    scale: [[[f32; 8]; 8]; 2],
    /// Of each component, `side` lines.
    lines: [Vec<f32>; 3],
    /// Of each component, its blocks from left to right, a row of them after the other.
    pub coefficients: [Vec<[i16; 64]>; 3],
}

impl Row {
    pub(super) fn new(width: usize, blocks: Blocks, steps: &[[u8; 64]; 2]) -> Self {
        let stride = width.next_multiple_of(blocks.side);
        let basis = basis::<8>();
        let scale = |steps: &[u8; 64]| array::from_fn(|v| array::from_fn(|u| 1.0 / f32::from(steps[8 * v + u])));
        let luma = blocks.side * stride / 64;
        let chroma = stride / blocks.side;
        Self {
            blocks,
            stride,
            turned: array::from_fn(|x| array::from_fn(|k| basis[k][x])),
            basis,
            scale: [scale(&steps[0]), scale(&steps[1])],
            lines: array::from_fn(|_| vec![0.0; blocks.side * stride]),
            coefficients: [vec![[0; 64]; luma], vec![[0; 64]; chroma], vec![[0; 64]; chroma]],
        }
    }

    /// Makes coefficients of at most `side` rows of RGB of that width: what is missing repeats the last row and column.
    pub(super) fn transform(&mut self, rgb: &[u8], width: usize) {
        let Self { stride, .. } = *self;
        let rows: Vec<&[u8]> = rgb.chunks_exact(3 * width).collect();
        let [y, cb, cr] = &mut self.lines;
        for i in 0..self.blocks.side {
            let Some(row) = rows.get(i).or(rows.last()) else { return };
            let line = i * stride..(i + 1) * stride;
            let lines = [&mut y[line.clone()], &mut cb[line.clone()], &mut cr[line]];
            let [y, cb, cr] = lines.map(|line| line.split_at_mut(width));
            colours(row, y.0, cb.0, cr.0);
            for (line, beyond) in [y, cb, cr] {
                beyond.fill(line[width - 1]);
            }
        }
        for (c, lines) in self.lines.iter_mut().enumerate() {
            let stride = match (c, self.blocks.side) {
                (1 | 2, 16) => {
                    halve(lines, stride);
                    stride / 2
                }
                _ => stride,
            };
            let all = lines[..self.coefficients[c].len() * 64].chunks_exact_mut(8 * stride);
            for (lines, blocks) in all.zip(self.coefficients[c].chunks_exact_mut(stride / 8)) {
                columns(&self.basis, lines);
                quantise(&self.turned, &self.scale[c.min(1)], lines, blocks);
            }
        }
    }
}

/// RGB to YCbCr (T.871), all around 0.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
fn colours(rgb: &[u8], y: &mut [f32], cb: &mut [f32], cr: &mut [f32]) {
    for (((pixel, y), cb), cr) in rgb.as_chunks::<3>().0.iter().zip(y).zip(cb).zip(cr) {
        let [r, g, b] = pixel.map(f32::from);
        *y = 0.299 * r + 0.587 * g + 0.114 * b - 128.0;
        *cb = 0.5 * b - 0.168_736 * r - 0.331_264 * g;
        *cr = 0.5 * r - 0.418_688 * g - 0.081_312 * b;
    }
}

/// Of 2×2 samples their mean: half as many lines, of half of `stride`, one after another.
#[multiversion(targets("x86_64+avx2"))]
fn halve(lines: &mut [f32], stride: usize) {
    for i in 0..lines.len() / stride / 2 {
        for x in 0..stride / 2 {
            let at = 2 * i * stride + 2 * x;
            let sum = lines[at] + lines[at + 1] + lines[at + stride] + lines[at + stride + 1];
            lines[i * (stride / 2) + x] = sum / 4.0;
        }
    }
}

/// Transforms all columns of eight lines side by side. A sample and its mirror image add to even coefficients alike, and
/// to odd ones but for their sign.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
fn columns(basis: &[[f32; 8]; 8], samples: &mut [f32]) {
    let stride = samples.len() / 8;
    let mut rest = samples;
    let lines: [&mut [f32]; 8] = array::from_fn(|_| {
        let (line, others) = mem::take(&mut rest).split_at_mut(stride);
        rest = others;
        line
    });
    #[allow(clippy::needless_range_loop, reason = "it is a column of all lines")]
    for x in 0..stride {
        let values: [f32; 8] = array::from_fn(|y| lines[y][x]);
        let even: [f32; 4] = array::from_fn(|y| values[y] + values[7 - y]);
        let odd: [f32; 4] = array::from_fn(|y| values[y] - values[7 - y]);
        for v in 0..8 {
            let halves = if v % 2 == 0 { &even } else { &odd };
            let mut sum = 0.0;
            for y in 0..4 {
                sum += basis[v][y] * halves[y];
            }
            lines[v][x] = sum;
        }
    }
}

/// Transforms eight lines in steps of eight samples, and rounds what they are times `scale` into the blocks. Baseline
/// JPEG has no codes for larger ones than are left.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
fn quantise(turned: &[[f32; 8]; 8], scale: &[[f32; 8]; 8], samples: &[f32], blocks: &mut [[i16; 64]]) {
    // In a number so large the lowest bits count ones.
    const ONES: f32 = 12_582_912.0;
    for (v, line) in samples.chunks_exact(samples.len() / 8).enumerate() {
        for (values, block) in line.as_chunks::<8>().0.iter().zip(blocks.iter_mut()) {
            let mut sums = [0.0f32; 8];
            for x in 0..8 {
                for u in 0..8 {
                    sums[u] += values[x] * turned[x][u];
                }
            }
            let row = &mut block.as_chunks_mut::<8>().0[v];
            for u in 0..8 {
                row[u] = ((sums[u] * scale[v][u]).clamp(-1023.0, 1023.0) + ONES).to_bits() as i16;
            }
        }
    }
}
