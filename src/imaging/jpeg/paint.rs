//! Coefficients to pixels, at the size of the picture or smaller.
//!
//! The `n` lowest of eight coefficients are what a signal of `n` samples has: their inverse cosine transform is the
//! block, shrunk (Dugad and Ahuja, "A fast scheme for image size change in the compressed domain", 2001).

use std::array;
use std::f64::consts::{PI, SQRT_2};
use std::ops::Range;

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

/// The pixels of all MCUs: `(H, W)` of grey or `(H, W, 3)` of RGB, by as many components.
pub(super) fn paint(coefficients: &Coefficients, planes: &[Plane], canvas: &Canvas) -> Vec<u8> {
    let Canvas { width, height, mcu: (mcu_width, mcu_height) } = *canvas;
    let across = width.div_ceil(mcu_width);
    let stride = across * mcu_width;
    let row = planes.len() * width;
    let mut pixels = vec![0; row * height];
    let strips = || vec![0.0; planes.len() * mcu_height * stride];
    pixels.par_chunks_mut(row * mcu_height).enumerate().for_each_init(strips, |strips, (i, pixels)| {
        for (plane, strip) in planes.iter().zip(strips.chunks_exact_mut(mcu_height * stride)) {
            let mcus = i * across..(i + 1) * across;
            let transform = match plane.samples {
                (1, 1) => transform::<1, 1>,
                (1, 2) => transform::<2, 1>,
                (2, 1) => transform::<1, 2>,
                (2, 2) => transform::<2, 2>,
                (2, 4) => transform::<4, 2>,
                (4, 2) => transform::<2, 4>,
                (4, 4) => transform::<4, 4>,
                (4, 8) => transform::<8, 4>,
                (8, 4) => transform::<4, 8>,
                _ => transform::<8, 8>,
            };
            transform(coefficients, mcus, plane, strip);
        }
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

/// The samples of a row of MCUs, around 0: blocks of `(H, W)`.
#[multiversion(targets("x86_64+avx2+fma"))]
fn transform<const H: usize, const W: usize>(
    coefficients: &Coefficients,
    mcus: Range<usize>,
    plane: &Plane,
    samples: &mut [f32],
) {
    let (down, right) = (basis::<H>(), basis::<W>());
    let scale: [[f32; W]; H] = array::from_fn(|v| array::from_fn(|u| plane.scale[v * W + u]));
    let (across, rows) = plane.blocks;
    let stride = mcus.len() * across * W;
    for (i, mcu) in mcus.enumerate() {
        let (values, raise) = coefficients.mcu(mcu);
        let blocks = values[plane.first..].as_chunks::<W>().0.as_chunks::<H>().0;
        for (block, values) in blocks.iter().take(across * rows).enumerate() {
            let mut columns = [[0.0; W]; H];
            for v in 0..H {
                let mut row = [0.0; W];
                for u in 0..W {
                    row[u] = f32::from(values[v][u]) * scale[v][u];
                }
                if v == 0 {
                    row[0] = f32::from(values[0][0].wrapping_add(raise[plane.component])) * scale[0][0];
                }
                for y in 0..H {
                    for u in 0..W {
                        columns[y][u] += down[v][y] * row[u];
                    }
                }
            }
            let start = (block / across * H) * stride + (i * across + block % across) * W;
            for (y, row) in columns.iter().enumerate() {
                let mut sums = [0.0; W];
                for u in 0..W {
                    for x in 0..W {
                        sums[x] += row[u] * right[u][x];
                    }
                }
                samples[start + y * stride..][..W].copy_from_slice(&sums);
            }
        }
    }
}

/// `[coefficient][sample]`: what a coefficient of JPEG (T.81, A.3.3) adds to each of `N` samples.
fn basis<const N: usize>() -> [[f32; N]; N] {
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
