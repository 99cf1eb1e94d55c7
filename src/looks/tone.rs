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

/// A turn of the hues around one hue in the a\*b\* plane.
#[derive(Clone, Copy, Debug)]
pub struct HueTurn {
    /// The hue that turns most, in degrees from +a\* towards +b\*.
    pub centre: f32,
    /// How far from it, in degrees, the turn has fallen to 1/e.
    pub width: f32,
    /// The turn at the centre, in degrees.
    pub degrees: f32,
    /// What chroma is multiplied by at the centre.
    pub gain: f32,
}

impl HueTurn {
    /// The colour turned. Near-greys, under a chroma of 12, turn less: their hue is mostly noise.
    pub fn apply(self, [l, a, b]: Rgb) -> Rgb {
        let chroma = a.hypot(b);
        let off = (b.atan2(a).to_degrees() - self.centre + 180.0).rem_euclid(360.0) - 180.0;
        let weight = (-(off / self.width).powi(2)).exp() * (chroma / 12.0).min(1.0);
        let (sin, cos) = (weight * self.degrees).to_radians().sin_cos();
        let gain = 1.0 + weight * (self.gain - 1.0);
        [l, gain * (a * cos - b * sin), gain * (a * sin + b * cos)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_rise_meet_and_flatten() {
        let at = |x: f32| soft_steps(x, 7.0, 9.0);
        for i in 0..999 {
            assert!(at(i as f32 / 1000.0) <= at((i + 1) as f32 / 1000.0) + 1e-6);
        }
        for step in 0..7 {
            let edge = step as f32 / 7.0 + 1e-6;
            assert!((at(edge) - edge).abs() < 1e-3, "a step's start stays where it was");
        }
        // The middle of a transition is steep, the edge of a step nearly level.
        assert!(at(0.5 / 7.0 + 0.01) - at(0.5 / 7.0 - 0.01) > 4.0 * (at(0.02) - at(0.0)));
    }

    #[test]
    fn hues_turn_around_the_centre_only() {
        let turn = HueTurn { centre: -170.0, width: 20.0, degrees: 30.0, gain: 1.5 };
        let colour = |hue: f32| [50.0, 40.0 * hue.to_radians().cos(), 40.0 * hue.to_radians().sin()];
        let [l, a, b] = turn.apply(colour(-170.0));
        assert_eq!(l, 50.0);
        assert!((a.hypot(b) - 60.0).abs() < 1e-3 && (b.atan2(a).to_degrees() + 140.0).abs() < 1e-3);
        // Across the seam of atan2, 20 degrees from the centre.
        let [_, a, b] = turn.apply(colour(170.0));
        let weight = (-1.0f32).exp();
        assert!((b.atan2(a).to_degrees() - (170.0 + 30.0 * weight - 360.0)).abs() < 0.1);
        assert!((a.hypot(b) - 40.0 * (1.0 + 0.5 * weight)).abs() < 1e-2);
        let far = turn.apply(colour(10.0));
        assert!(far.iter().zip(colour(10.0)).all(|(p, q)| (p - q).abs() < 1e-3));
        assert_eq!(turn.apply([70.0, 0.0, 0.0]), [70.0, 0.0, 0.0]);
    }
}
