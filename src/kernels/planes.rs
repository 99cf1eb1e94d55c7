//! Planes and a number each: scaled, shifted, rectified; and planes times planes summed up.

use rayon::prelude::*;

/// `x[p, ·] · by[p]` over planes `p` of `pixels` values.
pub fn scale(x: &[f32], by: &[f32], pixels: usize) -> Vec<f32> {
    assert_eq!(x.len(), by.len() * pixels);
    let mut y = vec![0f32; x.len()];
    y.par_chunks_mut(pixels).zip(x.par_chunks(pixels)).zip(by).for_each(|((y, x), &by)| {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = x * by;
        }
    });
    y
}

/// `leaky(x[p, ·]·scale[p] + shift[p])` over planes `p` of `pixels` values;
/// scale and shift begin again where they end. Without a scale it is 1.
pub fn rectify(x: &[f32], scale: Option<&[f32]>, shift: &[f32], slope: f32, pixels: usize) -> Vec<f32> {
    let mut y = vec![0f32; x.len()];
    y.par_chunks_mut(pixels).zip(x.par_chunks(pixels)).enumerate().for_each(|(plane, (y, x))| {
        let (by, shift) = (scale.map_or(1.0, |scale| scale[plane % scale.len()]), shift[plane % shift.len()]);
        for (y, &x) in y.iter_mut().zip(x) {
            let x = x * by + shift;
            *y = if x > 0.0 { x } else { slope * x };
        }
    });
    y
}

/// `x[p, ·] + bias[p] + residual[p, ·]`; the bias begins again where it ends.
pub fn add(x: &[f32], bias: &[f32], residual: &[f32], pixels: usize) -> Vec<f32> {
    assert_eq!(x.len(), residual.len());
    let mut y = vec![0f32; x.len()];
    let planes = x.par_chunks(pixels).zip(residual.par_chunks(pixels));
    y.par_chunks_mut(pixels).zip(planes).enumerate().for_each(|(plane, (y, (x, residual)))| {
        let bias = bias[plane % bias.len()];
        for ((y, &x), &residual) in y.iter_mut().zip(x).zip(residual) {
            *y = x + bias + residual;
        }
    });
    y
}

/// `Σ x[p, ·] · y[p, ·]` for every plane `p` of `pixels` values.
pub fn dot(x: &[f32], y: &[f32], pixels: usize) -> Vec<f32> {
    /// Sums side by side, so that the compiler can use vectors.
    const LANES: usize = 16;
    assert_eq!(x.len(), y.len());
    let part = |x: &[f32], y: &[f32]| -> f64 {
        let mut sums = [0f32; LANES];
        let (xs, ys) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
        let rest: f32 = xs.remainder().iter().zip(ys.remainder()).map(|(x, y)| x * y).sum();
        for (x, y) in xs.zip(ys) {
            for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
                *sum += x * y;
            }
        }
        f64::from(rest + sums.iter().sum::<f32>())
    };
    let planes = x.par_chunks(pixels).zip(y.par_chunks(pixels));
    // f64 over parts: a plane may hold a million values of one sign.
    planes.map(|(x, y)| x.chunks(1024).zip(y.chunks(1024)).map(|(x, y)| part(x, y)).sum::<f64>() as f32).collect()
}
