//! Gaussian blur: separable, cut at 4 σ, edges mirrored about the edge pixel.

use super::raster::{Raster, mirror_101};
use rayon::prelude::*;

/// A pixel that a blur can average: numbers or small arrays of numbers.
pub trait Blend: Copy + Send + Sync {
    /// Black, the sum of nothing.
    const ZERO: Self;
    /// `self + weight · other`.
    fn add(self, weight: f32, other: Self) -> Self;
}

impl Blend for f32 {
    const ZERO: Self = 0.0;
    fn add(self, weight: f32, other: Self) -> Self {
        self + weight * other
    }
}

impl<const N: usize> Blend for [f32; N] {
    const ZERO: Self = [0.0; N];
    fn add(mut self, weight: f32, other: Self) -> Self {
        for (sum, value) in self.iter_mut().zip(other) {
            *sum += weight * value;
        }
        self
    }
}

/// The Gaussian of standard deviation `sigma` pixels, 4 σ to each side, scaled to a sum of 1.
pub fn kernel(sigma: f32) -> Vec<f32> {
    let reach = ((sigma * 8.0 + 1.0).round() as i32 | 1) / 2;
    let raw: Vec<f64> = (-reach..=reach).map(|i| (-0.5 * (i as f64 / sigma as f64).powi(2)).exp()).collect();
    let sum: f64 = raw.iter().sum();
    raw.iter().map(|v| (v / sum) as f32).collect()
}

/// `image` blurred by a Gaussian of standard deviation `sigma` pixels.
pub fn gaussian<T: Blend>(image: &Raster<T>, sigma: f32) -> Raster<T> {
    let kernel = kernel(sigma);
    let reach = (kernel.len() / 2) as isize;
    let (width, height) = (image.width, image.height);
    let columns: Vec<usize> = (-reach..width as isize + reach).map(|x| mirror_101(x, width)).collect();
    let mut data = vec![T::ZERO; width * height];
    data.par_chunks_mut(width).enumerate().for_each_init(
        || (vec![T::ZERO; width], Vec::with_capacity(columns.len())),
        |(down, wide), (y, out)| {
            down.fill(T::ZERO);
            for (i, &weight) in kernel.iter().enumerate() {
                let row = image.row(mirror_101(y as isize + i as isize - reach, height));
                accumulate(down, row, weight);
            }
            wide.clear();
            wide.extend(columns.iter().map(|&x| down[x]));
            for (i, &weight) in kernel.iter().enumerate() {
                accumulate(out, &wide[i..], weight);
            }
        },
    );
    Raster { width, height, data }
}

fn accumulate<T: Blend>(sums: &mut [T], values: &[T], weight: f32) {
    for (sum, &value) in sums.iter_mut().zip(values) {
        *sum = sum.add(weight, value);
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
        let dot = Raster::draw(31, 31, |x, y| if (x, y) == (15, 15) { 1.0 } else { 0.0 });
        let (blurred, kernel) = (gaussian(&dot, 1.5), kernel(1.5));
        for i in 0..kernel.len() {
            let x = 15 + i - kernel.len() / 2;
            assert!((blurred.at(x, 15) - kernel[i] * kernel[kernel.len() / 2]).abs() < 1e-6);
        }
        // Far narrower than the kernel, so that the mirror folds many times.
        let flat = Raster::draw(3, 2, |_, _| [0.25f32, 0.5, 1.0]);
        for (pixel, flat) in gaussian(&flat, 24.0).data.iter().zip(&flat.data) {
            assert!(pixel.iter().zip(flat).all(|(a, b)| (a - b).abs() < 1e-5));
        }
    }
}
