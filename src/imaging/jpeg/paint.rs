//! Coefficients to pixels, at the size of the picture or smaller.
//!
//! The `n` lowest of eight coefficients are what a signal of `n` samples has: their inverse cosine transform is the
//! block, shrunk (Dugad and Ahuja, "A fast scheme for image size change in the compressed domain", 2001).

use std::array;
use std::f64::consts::{PI, SQRT_2};
use std::mem;

use multiversion::multiversion;
use rayon::prelude::*;

use super::scan::Coefficients;

/// How the blocks of a component become samples.
pub(super) struct Plane {
    /// Which component it is.
    pub component: usize,
    /// Blocks of an MCU across and down.
    pub blocks: (usize, usize),
    /// Samples of a block across and down: 1, 2, 4 or 8.
    pub samples: (usize, usize),
    /// Where the first coefficient is among those of an MCU, by rows and blocks.
    pub first: usize,
    /// What each coefficient of a block is multiplied by.
    pub scale: Vec<f32>,
}

/// Pixels of the picture and of an MCU.
pub(super) struct Canvas {
    pub width: usize,
    pub height: usize,
    /// Across and down; every component has as many samples.
    pub mcu: (usize, usize),
}

/// An MCU's coefficients, and where they go in lines of samples.
struct Source<'a> {
    values: &'a [i16],
    /// By how much the first one of a block is to be raised.
    raise: i16,
    /// How many MCUs come before it in its row.
    column: usize,
    /// Samples of a line.
    stride: usize,
}

/// What is done with blocks of one size.
struct Blocks {
    /// Puts an MCU's coefficients, each in the place of a sample, among those of its row.
    spread: fn(&Plane, Source<'_>, &mut [f32]),
    /// Makes samples of a row's coefficients.
    transform: fn(usize, &mut [f32]),
}

impl Blocks {
    /// Of so many samples down and across.
    const fn of<const H: usize, const W: usize>() -> Self {
        Self { spread: spread::<H, W>, transform: transform::<H, W> }
    }

    fn new((across, down): (usize, usize)) -> Self {
        match (down, across) {
            (1, 1) => Self::of::<1, 1>(),
            (1, 2) => Self::of::<1, 2>(),
            (2, 1) => Self::of::<2, 1>(),
            (2, 2) => Self::of::<2, 2>(),
            (2, 4) => Self::of::<2, 4>(),
            (4, 2) => Self::of::<4, 2>(),
            (4, 4) => Self::of::<4, 4>(),
            (4, 8) => Self::of::<4, 8>(),
            (8, 4) => Self::of::<8, 4>(),
            _ => Self::of::<8, 8>(),
        }
    }
}

/// The pixels of all MCUs: `(H, W)` of grey or `(H, W, 3)` of RGB, by as many components.
pub(super) fn paint(coefficients: &Coefficients, planes: &[Plane], canvas: &Canvas) -> Vec<u8> {
    let Canvas { width, height, mcu: (mcu_width, mcu_height) } = *canvas;
    let across = width.div_ceil(mcu_width);
    let stride = across * mcu_width;
    let row = planes.len() * width;
    let blocks: Vec<_> = planes.iter().map(|plane| Blocks::new(plane.samples)).collect();
    let mut pixels = vec![0; row * height];
    let strips = || vec![0.0; planes.len() * mcu_height * stride];
    pixels.par_chunks_mut(row * mcu_height).enumerate().for_each_init(strips, |strips, (i, pixels)| {
        // All of an MCU's planes together: memory is then read as it lies, and the processor fetches it ahead.
        for column in 0..across {
            let (values, raise) = coefficients.mcu(i * across + column);
            let strips = strips.chunks_exact_mut(mcu_height * stride);
            for ((plane, blocks), strip) in planes.iter().zip(&blocks).zip(strips) {
                (blocks.spread)(plane, Source { values, raise: raise[plane.component], column, stride }, strip);
            }
        }
        let each = strips.chunks_exact_mut(mcu_height * stride);
        blocks.iter().zip(each).for_each(|(blocks, strip)| (blocks.transform)(stride, strip));
        let strip = |plane: usize, y: usize| &strips[(plane * mcu_height + y) * stride..][..width];
        for (y, pixels) in pixels.chunks_exact_mut(row).enumerate() {
            match planes.len() {
                1 => grey(strip(0, y), pixels),
                _ => colours(strip(0, y), strip(1, y), strip(2, y), pixels),
            }
        }
    });
    pixels
}

/// Puts the coefficients of an MCU's blocks of `(H, W)` among the lines of its row.
#[multiversion(targets("x86_64+avx2"))]
fn spread<const H: usize, const W: usize>(plane: &Plane, source: Source<'_>, samples: &mut [f32]) {
    let Source { values, raise, column, stride } = source;
    let across = plane.blocks.0;
    let scale = plane.scale.as_chunks::<W>().0;
    let blocks = values[plane.first..].as_chunks::<W>().0.as_chunks::<H>().0;
    for (blocks, samples) in blocks.chunks_exact(across).zip(samples.chunks_exact_mut(H * stride)) {
        for (i, block) in blocks.iter().enumerate() {
            let start = (column * across + i) * W;
            for (v, (values, scale)) in block.iter().zip(scale).enumerate() {
                let mut line = [0.0; W];
                for u in 0..W {
                    line[u] = f32::from(values[u]) * scale[u];
                }
                samples[v * stride + start..][..W].copy_from_slice(&line);
            }
            samples[start] = f32::from(block[0][0].wrapping_add(raise)) * scale[0][0];
        }
    }
}

/// The samples, around 0, of lines of `stride` coefficients in blocks of `(H, W)`, in their place.
fn transform<const H: usize, const W: usize>(stride: usize, samples: &mut [f32]) {
    let (down, right) = (basis::<H>(), basis::<W>());
    for blocks in samples.chunks_exact_mut(H * stride) {
        columns::<H>(&down, blocks);
        lines::<W>(&right, blocks);
    }
}

/// Transforms all columns of `H` lines side by side. A sample and its mirror image have the even coefficients in common,
/// and the odd ones but for their sign.
#[multiversion(targets("x86_64+avx2"))]
fn columns<const H: usize>(basis: &[[f32; H]; H], samples: &mut [f32]) {
    let stride = samples.len() / H;
    let mut rest = samples;
    let lines: [&mut [f32]; H] = array::from_fn(|_| {
        let (line, others) = mem::take(&mut rest).split_at_mut(stride);
        rest = others;
        line
    });
    #[allow(clippy::needless_range_loop, reason = "it is a column of all lines")]
    for x in 0..stride {
        let mut values = [0.0; H];
        for v in 0..H {
            values[v] = lines[v][x];
        }
        for y in 0..H.div_ceil(2) {
            let (mut even, mut odd) = (0.0, 0.0);
            for v in (0..H).step_by(2) {
                even += basis[v][y] * values[v];
            }
            for v in (1..H).step_by(2) {
                odd += basis[v][y] * values[v];
            }
            lines[H - 1 - y][x] = even - odd;
            lines[y][x] = even + odd;
        }
    }
}

/// Transforms `W` coefficients after another.
#[multiversion(targets("x86_64+avx2"))]
fn lines<const W: usize>(basis: &[[f32; W]; W], samples: &mut [f32]) {
    for values in samples.as_chunks_mut::<W>().0 {
        let mut sums = [0.0; W];
        for u in 0..W {
            for x in 0..W {
                sums[x] += values[u] * basis[u][x];
            }
        }
        *values = sums;
    }
}

/// `[coefficient][sample]`: what a coefficient of JPEG (T.81, A.3.3) adds to each of `N` samples.
pub(super) fn basis<const N: usize>() -> [[f32; N]; N] {
    array::from_fn(|k| {
        array::from_fn(|x| {
            let norm = if k == 0 { 1.0 } else { SQRT_2 };
            let angle = ((2 * x + 1) * k) as f64 * PI / (2 * N) as f64;
            (norm * angle.cos() / 8_f64.sqrt()) as f32
        })
    })
}

/// A sample around 0 within what a byte holds.
#[inline(always)]
fn clamped(sample: f32) -> f32 {
    sample.clamp(-128.0, 127.0)
}

/// It as a byte. In a number so large the lowest bits count ones.
#[inline(always)]
fn byte(sample: f32) -> u8 {
    (clamped(sample) + (8_388_608.0 + 128.0)).to_bits() as u8
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
fn grey(samples: &[f32], pixels: &mut [u8]) {
    for (pixel, &sample) in pixels.iter_mut().zip(samples) {
        *pixel = byte(sample);
    }
}

/// YCbCr to RGB (T.871).
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
fn colours(y: &[f32], cb: &[f32], cr: &[f32], pixels: &mut [u8]) {
    for (((pixel, &y), &cb), &cr) in pixels.as_chunks_mut::<3>().0.iter_mut().zip(y).zip(cb).zip(cr) {
        let (y, cb, cr) = (clamped(y), clamped(cb), clamped(cr));
        *pixel = [byte(y + 1.402 * cr), byte(y - 0.344_136 * cb - 0.714_136 * cr), byte(y + 1.772 * cb)];
    }
}
