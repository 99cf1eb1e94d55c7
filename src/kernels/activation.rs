//! Rectifiers.

use rayon::prelude::*;

/// Values that one task takes: a few microseconds of work.
const GRAIN: usize = 16 * 1024;

/// `y = x` where `x > 0`, else `slope·x` (Maas, Hannun, Ng 2013).
pub fn leaky_relu(x: &[f32], slope: f32, y: &mut [f32]) {
    assert_eq!(x.len(), y.len());
    y.par_chunks_mut(GRAIN).zip(x.par_chunks(GRAIN)).for_each(|(y, x)| {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = if x > 0.0 { x } else { slope * x };
        }
    });
}

/// The gradient of [`leaky_relu`]: `out = g` where `x > 0`, else `slope·g`.
pub fn leaky_relu_gradient(x: &[f32], g: &[f32], slope: f32, out: &mut [f32]) {
    assert_eq!((x.len(), g.len()), (out.len(), out.len()));
    let inputs = x.par_chunks(GRAIN).zip(g.par_chunks(GRAIN));
    out.par_chunks_mut(GRAIN).zip(inputs).for_each(|(out, (x, g))| {
        for ((out, &x), &g) in out.iter_mut().zip(x).zip(g) {
            *out = if x > 0.0 { g } else { slope * g };
        }
    });
}
