//! A number per channel, added to and summed over the planes.

use rayon::prelude::*;

/// `y[n, c, ·] = x[n, c, ·] + bias[c]` over planes of `pixels` values.
pub fn add(x: &[f32], bias: &[f32], pixels: usize, y: &mut [f32]) {
    assert_eq!(x.len(), y.len());
    y.par_chunks_mut(pixels).zip(x.par_chunks(pixels)).enumerate().for_each(|(plane, (y, x))| {
        let b = bias[plane % bias.len()];
        for (y, &x) in y.iter_mut().zip(x) {
            *y = x + b;
        }
    });
}

/// `out[c] = Σ x[n, c, ·]` over planes of `pixels` values.
pub fn sum(x: &[f32], pixels: usize, out: &mut [f32]) {
    let channels = out.len();
    out.par_iter_mut().enumerate().for_each(|(channel, out)| {
        // f64: a plane may hold a million values of one sign.
        *out = x
            .chunks_exact(pixels)
            .skip(channel)
            .step_by(channels)
            .map(|plane| plane.chunks(256).map(|part| f64::from(part.iter().sum::<f32>())).sum::<f64>())
            .sum::<f64>() as f32;
    });
}
