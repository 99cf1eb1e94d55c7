//! Rectifiers.

use super::fresh::by_parts;

/// Values that are made at a time.
const GRAIN: usize = 4 * 1024;

/// `y = x` where `x > 0`, else `slope·x` (Maas, Hannun, Ng 2013).
pub fn leaky_relu(x: &[f32], slope: f32) -> Vec<f32> {
    by_parts(x.len(), GRAIN, 0.0, |part, y| leak(&x[part * GRAIN..], slope, y))
}

/// The gradient of [`leaky_relu`]: `g` where `x > 0`, else `slope·g`.
pub fn leaky_relu_gradient(x: &[f32], g: &[f32], slope: f32) -> Vec<f32> {
    assert_eq!(x.len(), g.len());
    by_parts(x.len(), GRAIN, 0.0, |part, out| gate([&x[part * GRAIN..], &g[part * GRAIN..]], slope, out))
}

/// A part of [`leaky_relu`]. The slope by value: behind a closure's reference it would be read again for each number, by
/// no vectors.
fn leak(x: &[f32], slope: f32, y: &mut [f32]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = if x > 0.0 { x } else { slope * x };
    }
}

/// A part of [`leaky_relu_gradient`].
pub(super) fn gate([x, g]: [&[f32]; 2], slope: f32, out: &mut [f32]) {
    for ((out, &x), &g) in out.iter_mut().zip(x).zip(g) {
        *out = if x > 0.0 { g } else { slope * g };
    }
}
