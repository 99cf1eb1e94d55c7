//! A drawing brought up to the size of its photo, guided by the photo's own edges.
//!
//! Where the drawing follows the photo, it is locally a multiple of the photo's
//! luma and something smooth beside it (the guided filter: He, Sun, Tang 2013).
//! The multiple is found at the drawing's size and taken of the photo at its
//! own (as in joint upsampling: Kopf et al. 2007), so edges are as sharp as the
//! photo's; what it does not explain, such as a drawn line, is scaled plainly.

use super::Picture;
use rayon::prelude::*;

/// Pixels around one among which the drawing follows the photo in one way.
const RADIUS: usize = 2;
/// Variance of luma (0..1) below which it counts as flat: noise is not followed.
const FLAT: f32 = 1e-3;

/// Rows of the drawing that are worked on at once: what bounds the memory it takes.
const BAND: usize = 64;

/// `drawing` at the size of `photo`; `seen` is the photo at the size of the drawing.
pub fn guided(drawing: &Picture, seen: &Picture, photo: &Picture) -> Picture {
    let (low_width, low_height) = (drawing.width as usize, drawing.height as usize);
    let (width, height) = (photo.width as usize, photo.height as usize);
    let (across, down) = (taps(low_width, width), taps(low_height, height));
    let mut rgb = vec![0; photo.rgb.len()];
    let rows = (BAND * height).div_ceil(low_height);
    for ((out, photo), down) in
        rgb.chunks_mut(3 * width * rows).zip(photo.rgb.chunks(3 * width * rows)).zip(down.chunks(rows))
    {
        let [Some([(top, _), ..]), Some([.., (bottom, _)])] = [down.first(), down.last()] else { continue };
        // As far as the two means below reach.
        let (top, bottom) = (top.saturating_sub(2 * RADIUS), (bottom + 2 * RADIUS).min(low_height - 1));
        let band = 3 * low_width * top..3 * low_width * (bottom + 1);
        let guide: Vec<f32> = lumas(&seen.rgb[band.clone()]).collect();
        let planes: Vec<_> = (0..3).map(|c| explained(&drawing.rgb[band.clone()][c..], &guide, low_width)).collect();
        out.par_chunks_mut(3 * width).zip(photo.par_chunks(3 * width)).zip(down).for_each(|((out, photo), down)| {
            let luma: Vec<f32> = lumas(photo).collect();
            let mut row = vec![0.0; low_width];
            let mut scaled = |plane: &[f32]| -> Vec<f32> {
                row.fill(0.0);
                for (line, weight) in down {
                    let values = &plane[(line - top) * low_width..][..low_width];
                    row.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * value);
                }
                across.iter().map(|taps| taps.iter().map(|(x, weight)| weight * row[*x]).sum()).collect()
            };
            for (c, [slope, rest]) in planes.iter().enumerate() {
                let (slope, rest) = (scaled(slope), scaled(rest));
                for (i, pixel) in out.chunks_exact_mut(3).enumerate() {
                    // A float cast saturates.
                    pixel[c] = ((slope[i] * luma[i] + rest[i]) * 255.0 + 0.5) as u8;
                }
            }
        });
    }
    Picture { width: photo.width, height: photo.height, rgb, alpha: None }
}

/// BT.709 luma, 0..1.
fn lumas(rgb: &[u8]) -> impl Iterator<Item = f32> {
    let weigh = |p: &[u8]| 0.2126 * f32::from(p[0]) + 0.7152 * f32::from(p[1]) + 0.0722 * f32::from(p[2]);
    rgb.chunks_exact(3).map(move |pixel| weigh(pixel) / 255.0)
}

/// How many times the guide a channel is, and what remains: every third of `values`, both 0..1.
fn explained(values: &[u8], guide: &[f32], width: usize) -> [Vec<f32>; 2] {
    let drawn: Vec<f32> = values.iter().step_by(3).map(|value| f32::from(*value) / 255.0).collect();
    let product = |a: &[f32], b: &[f32]| -> Vec<f32> { a.iter().zip(b).map(|(a, b)| a * b).collect() };
    let (mean_guide, mean_drawn) = (around(guide, width), around(&drawn, width));
    let (both, square) = (around(&product(guide, &drawn), width), around(&product(guide, guide), width));
    let slope = (0..drawn.len()).map(|i| {
        let covariance = both[i] - mean_guide[i] * mean_drawn[i];
        covariance / ((square[i] - mean_guide[i] * mean_guide[i]).max(0.0) + FLAT)
    });
    let slope = around(&slope.collect::<Vec<_>>(), width);
    let rest = (0..drawn.len()).map(|i| drawn[i] - slope[i] * guide[i]).collect();
    [slope, rest]
}

/// The mean of the pixels within [`RADIUS`]; the border's are repeated.
fn around(plane: &[f32], width: usize) -> Vec<f32> {
    let height = plane.len() / width;
    let window = 2 * RADIUS + 1;
    let near = |at: usize, side: usize| (at..at + window).map(move |i| i.saturating_sub(RADIUS).min(side - 1));
    let mut across = vec![0.0; plane.len()];
    across.par_chunks_mut(width).zip(plane.par_chunks(width)).for_each(|(to, from)| {
        for (x, to) in to.iter_mut().enumerate() {
            *to = near(x, width).map(|x| from[x]).sum::<f32>();
        }
    });
    let mut means = vec![0.0; plane.len()];
    means.par_chunks_mut(width).enumerate().for_each(|(y, to)| {
        for line in near(y, height) {
            to.iter_mut().zip(&across[line * width..]).for_each(|(sum, value)| *sum += value);
        }
        to.iter_mut().for_each(|sum| *sum /= (window * window) as f32);
    });
    means
}

/// For each of `to` places the four of `from` that it lies among, and their
/// weights: Catmull-Rom splines (Keys 1981 with a = −1/2).
fn taps(from: usize, to: usize) -> Vec<[(usize, f32); 4]> {
    let place = |i: usize| (i as f32 + 0.5) * from as f32 / to as f32 - 0.5;
    (0..to)
        .map(|i| {
            let (first, t) = (place(i).floor(), place(i) - place(i).floor());
            let weights = [
                -0.5 * t + t * t - 0.5 * t * t * t,
                1.0 - 2.5 * t * t + 1.5 * t * t * t,
                0.5 * t + 2.0 * t * t - 1.5 * t * t * t,
                -0.5 * t * t + 0.5 * t * t * t,
            ];
            std::array::from_fn(|k| {
                let x = (first + k as f32 - 1.0).clamp(0.0, (from - 1) as f32);
                (x as usize, weights[k])
            })
        })
        .collect()
}
