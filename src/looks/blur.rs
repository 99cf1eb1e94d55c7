//! Gaussian blur: separable, cut at 4 σ, edges mirrored about the edge pixel.

use super::raster::{Raster, mirror_101};
use rayon::prelude::*;

/// The Gaussian of standard deviation `sigma` pixels, 4 σ to each side, scaled to a sum of 1.
pub fn kernel(sigma: f32) -> Vec<f32> {
    let reach = ((sigma * 8.0 + 1.0).round() as i32 | 1) / 2;
    let raw: Vec<f64> = (-reach..=reach).map(|i| (-0.5 * (i as f64 / sigma as f64).powi(2)).exp()).collect();
    let sum: f64 = raw.iter().sum();
    raw.iter().map(|v| (v / sum) as f32).collect()
}

/// `image` blurred by a Gaussian of standard deviation `sigma` pixels.
pub fn gaussian<const N: usize>(image: &Raster<[f32; N]>, sigma: f32) -> Raster<[f32; N]> {
    let kernel = kernel(sigma);
    let reach = (kernel.len() / 2) as isize;
    let (width, height) = (image.width, image.height);
    let columns: Vec<usize> = (-reach..width as isize + reach).map(|x| mirror_101(x, width)).collect();
    let mut data = vec![[0.0; N]; width * height];
    let buffers = || (vec![[0.0; N]; width], Vec::with_capacity(columns.len()));
    data.par_chunks_mut(width).enumerate().for_each_init(buffers, |(down, wide), (y, out)| {
        let rows: Vec<&[f32]> =
            (-reach..=reach).map(|i| image.row(mirror_101(y as isize + i, height)).as_flattened()).collect();
        weigh(down.as_flattened_mut(), &rows, &kernel);
        wide.clear();
        wide.extend(columns.iter().map(|&x| down[x]));
        let shifted: Vec<&[f32]> = (0..kernel.len()).map(|i| wide[i..i + width].as_flattened()).collect();
        weigh(out.as_flattened_mut(), &shifted, &kernel);
    });
    Raster { width, height, data }
}

/// The sum of `lines`, each of `out`'s length, weighed by a symmetric `kernel`.
fn weigh(out: &mut [f32], lines: &[&[f32]], kernel: &[f32]) {
    /// So many sums at once stay in registers.
    const BLOCK: usize = 32;
    let middle = kernel.len() / 2;
    let (before, after) = (&lines[..middle], &lines[middle + 1..]);
    let blocks = out.len() / BLOCK * BLOCK;
    let (whole, rest) = out.split_at_mut(blocks);
    for (block, out) in whole.chunks_exact_mut(BLOCK).enumerate() {
        let at = block * BLOCK;
        let mut sums = [0.0; BLOCK];
        for (sum, value) in sums.iter_mut().zip(&lines[middle][at..at + BLOCK]) {
            *sum = kernel[middle] * value;
        }
        for ((a, b), weight) in before.iter().zip(after.iter().rev()).zip(kernel) {
            for ((sum, a), b) in sums.iter_mut().zip(&a[at..at + BLOCK]).zip(&b[at..at + BLOCK]) {
                *sum += weight * (a + b);
            }
        }
        out.copy_from_slice(&sums);
    }
    for (i, out) in rest.iter_mut().enumerate() {
        *out = lines.iter().zip(kernel).map(|(line, weight)| weight * line[blocks + i]).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_sums_to_one_and_reaches_four_sigma() {
        for (sigma, taps) in [(0.6, 7), (2.0, 17), (3.0, 25), (6.0, 49), (20.0, 161), (24.0, 193)] {
            let kernel = kernel(sigma);
            assert_eq!(kernel.len(), taps, "sigma {sigma}");
            assert!((kernel.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            assert!(kernel.iter().zip(kernel.iter().rev()).all(|(a, b)| a == b));
        }
    }

    #[test]
    fn a_dot_becomes_the_kernel_and_a_flat_picture_stays() {
        let dot = Raster::draw(31, 31, |x, y| if (x, y) == (15, 15) { [1.0] } else { [0.0] });
        let (blurred, kernel) = (gaussian(&dot, 1.5), kernel(1.5));
        for i in 0..kernel.len() {
            let x = 15 + i - kernel.len() / 2;
            assert!((blurred.at(x, 15)[0] - kernel[i] * kernel[kernel.len() / 2]).abs() < 1e-6);
        }
        // Far narrower than the kernel, so that the mirror folds many times.
        let flat = Raster::draw(3, 2, |_, _| [0.25f32, 0.5, 1.0]);
        for (pixel, flat) in gaussian(&flat, 24.0).data.iter().zip(&flat.data) {
            assert!(pixel.iter().zip(flat).all(|(a, b)| (a - b).abs() < 1e-5));
        }
    }
}
