//! Rectifiers.

use super::fresh::by_parts;

/// Values that are made at a time.
const GRAIN: usize = 4 * 1024;

/// `y = x` where `x > 0`, else `slope·x` (Maas, Hannun, Ng 2013).
pub fn leaky_relu(x: &[f32], slope: f32) -> Vec<f32> {
    by_parts(x.len(), GRAIN, 0.0, |part, y| {
        // By value: behind a reference it would be read again for each number, by no vectors.
        let slope = slope;
        for (y, &x) in y.iter_mut().zip(&x[part * GRAIN..]) {
            *y = if x > 0.0 { x } else { slope * x };
        }
    })
}

/// The gradient of [`leaky_relu`]: `out = g` where `x > 0`, else `slope·g`.
pub fn leaky_relu_gradient(x: &[f32], g: &[f32], slope: f32) -> Vec<f32> {
    assert_eq!(x.len(), g.len());
    by_parts(x.len(), GRAIN, 0.0, |part, out| {
        let slope = slope;
        let first = part * GRAIN;
        for ((out, &x), &g) in out.iter_mut().zip(&x[first..]).zip(&g[first..]) {
            *out = if x > 0.0 { g } else { slope * g };
        }
    })
}
