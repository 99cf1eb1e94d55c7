//! Instance normalisation (Ulyanov et al. 2016) over channels-last buffers.

use super::buffer::Buffer;
use super::kernel::Value;
use rayon::prelude::*;

/// What keeps the variance from zero, as in PyTorch.
const EPSILON: f64 = 1e-5;

/// Of `count` values each, channel by channel: their mean and the sum of squared distances from it.
struct Moments {
    count: f64,
    mean: Vec<f64>,
    squares: Vec<f64>,
}

impl Moments {
    /// Those of one row `(W, C)`.
    fn of<T: Value>(row: &[T], channels: usize) -> Self {
        let count = (row.len() / channels) as f32;
        let mut mean = vec![0f32; channels];
        for pixel in row.chunks_exact(channels) {
            for (mean, value) in mean.iter_mut().zip(pixel) {
                *mean += value.f32();
            }
        }
        mean.iter_mut().for_each(|mean| *mean /= count);
        let mut squares = vec![0f32; channels];
        for pixel in row.chunks_exact(channels) {
            for ((squares, mean), value) in squares.iter_mut().zip(&mean).zip(pixel) {
                let off = value.f32() - mean;
                *squares += off * off;
            }
        }
        let wide = |values: Vec<f32>| values.into_iter().map(f64::from).collect();
        Self { count: f64::from(count), mean: wide(mean), squares: wide(squares) }
    }

    /// Those of both together (Chan et al. 1979).
    fn and(mut self, other: Self) -> Self {
        let count = self.count + other.count;
        for c in 0..self.mean.len() {
            let apart = other.mean[c] - self.mean[c];
            self.mean[c] += apart * other.count / count;
            self.squares[c] += other.squares[c] + apart * apart * self.count * other.count / count;
        }
        self.count = count;
        self
    }
}

/// What is taken from each channel of one picture, what it is multiplied by, and what is added then. Folded into one
/// product and sum, a mean that is large beside the variance would cost digits.
struct Gain {
    mean: Vec<f32>,
    by: Vec<f32>,
    shift: Vec<f32>,
}

impl Gain {
    fn of<T: Value>(raw: &Buffer<T>, picture: usize, scale: &[f32], shift: &[f32]) -> Self {
        // Row by row and then in their order, so that threads change no sum.
        let rows = (0..raw.height).into_par_iter().with_min_len(4);
        let rows: Vec<_> = rows.map(|y| Moments::of(raw.row(picture, y), raw.channels)).collect();
        let nothing = Moments { count: 1.0, mean: Vec::new(), squares: Vec::new() };
        let moments = rows.into_iter().reduce(Moments::and).unwrap_or(nothing);
        let deviations = moments.squares.iter().map(|squares| (squares / moments.count + EPSILON).sqrt());
        Self {
            mean: moments.mean.iter().map(|mean| *mean as f32).collect(),
            by: deviations.zip(scale).map(|(deviation, scale)| (f64::from(*scale) / deviation) as f32).collect(),
            shift: shift[..raw.channels].to_vec(),
        }
    }

    /// Finishes a row `(W, C)` in its place.
    fn apply<T: Value>(&self, row: &mut [T], residual: Option<&[T]>, slope: f32) {
        let channels = self.by.len();
        let rectified = |value: f32| T::of(value.max(value * slope));
        let gains = || self.mean.iter().zip(&self.by).zip(&self.shift);
        match residual {
            Some(residual) => {
                for (pixel, residual) in row.chunks_exact_mut(channels).zip(residual.chunks_exact(channels)) {
                    for ((value, residual), ((mean, by), shift)) in pixel.iter_mut().zip(residual).zip(gains()) {
                        *value = rectified((value.f32() - mean) * by + shift + residual.f32());
                    }
                }
            }
            None => {
                for pixel in row.chunks_exact_mut(channels) {
                    for (value, ((mean, by), shift)) in pixel.iter_mut().zip(gains()) {
                        *value = rectified((value.f32() - mean) * by + shift);
                    }
                }
            }
        }
    }
}

/// Brings each channel of each picture in the first of `outputs` to zero mean and unit (biased) variance. The rest is
/// as in [`convolve`](super::convolve): times `scale`, plus `shift`, `residual` added, and into every output with the
/// negative values multiplied by its slope.
///
/// # Panics
/// When the buffers' sizes do not fit each other: they come from the same plan.
pub fn normalise<T: Value>(
    outputs: &mut [(&mut Buffer<T>, f32)],
    (scale, shift): (&[f32], &[f32]),
    residual: Option<&Buffer<T>>,
) {
    let Some(((raw, _), others)) = outputs.split_first_mut() else { return };
    if raw.height * raw.width == 0 {
        return;
    }
    assert!(scale.len() >= raw.channels && shift.len() >= raw.channels);
    let gains: Vec<_> = (0..raw.batch).map(|picture| Gain::of(raw, picture, scale, shift)).collect();
    for (other, _) in others {
        other.fill(|picture, y, row| row.copy_from_slice(raw.row(picture, y)));
    }
    for (output, slope) in outputs {
        output.fill(|picture, y, row| {
            gains[picture].apply(row, residual.map(|residual| residual.row(picture, y)), *slope);
        });
    }
}
