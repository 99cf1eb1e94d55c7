//! Tones and hues in L\*a\*b\*.

use super::raster::Rgb;

/// Quantises `x` (0..1) into `steps` levels whose transitions are soft, softer the smaller `slope`: each
/// step is a logistic curve stretched to meet its neighbours.
///
/// Winnemöller, Olsen, Gooch, "Real-Time Video Abstraction" (2006), has the same with tanh.
pub fn soft_steps(x: f32, steps: f32, slope: f32) -> f32 {
    let logistic = |t: f32| 1.0 / (1.0 + (-slope * t).exp());
    let (floor, start) = ((x * steps).floor(), logistic(-0.5));
    (floor + (logistic(x * steps - floor - 0.5) - start) / (1.0 - 2.0 * start)) / steps
}

/// The colour with its L\* (0..=100) in soft steps.
pub fn step_lightness([l, a, b]: Rgb, steps: f32, slope: f32) -> Rgb {
    [100.0 * soft_steps((l / 100.0).clamp(0.0, 0.999), steps, slope), a, b]
}
