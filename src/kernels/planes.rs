//! Planes times a number each, and planes times planes summed up.

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
