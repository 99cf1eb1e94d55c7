//! sRGB ↔ CIE 1976 L\*a\*b\* under D65 (IEC 61966-2-1; CIE 15).

use super::raster::Rgb;
use std::sync::LazyLock;

/// D65 white, the sum of each row of [`TO_XYZ`] before it is divided out.
const WHITE: [f32; 3] = [0.950456, 1.0, 1.088754];
const TO_XYZ: [[f32; 3]; 3] =
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]];
const FROM_XYZ: [[f32; 3]; 3] =
    [[3.240479, -1.53715, -0.498535], [-0.969256, 1.875991, 0.041556], [0.055648, -0.204043, 1.057311]];

/// A curve over 0..=1, sampled and read with linear interpolation: a tenth of `powf`'s time.
struct Curve(Vec<f32>);

impl Curve {
    const STEPS: usize = 4096;

    fn sample(f: impl Fn(f64) -> f64) -> Self {
        Self((0..=Self::STEPS + 1).map(|i| f(i as f64 / Self::STEPS as f64) as f32).collect())
    }

    fn at(&self, x: f32) -> f32 {
        let x = x.clamp(0.0, 1.0) * Self::STEPS as f32;
        let i = x as usize;
        self.0[i] + (x - i as f32) * (self.0[i + 1] - self.0[i])
    }
}

static LINEAR: LazyLock<Curve> =
    LazyLock::new(|| Curve::sample(|x| if x <= 0.04045 { x / 12.92 } else { ((x + 0.055) / 1.055).powf(2.4) }));
static GAMMA: LazyLock<Curve> =
    LazyLock::new(|| Curve::sample(|x| if x <= 0.0031308 { x * 12.92 } else { 1.055 * x.powf(1.0 / 2.4) - 0.055 }));

/// sRGB in 0..=1 (clipped to it) to L\* in 0..=100, a\* and b\*.
pub fn to_lab(rgb: Rgb) -> Rgb {
    let linear = rgb.map(|c| LINEAR.at(c));
    let [x, y, z] = [0, 1, 2].map(|i| root(dot(TO_XYZ[i], linear) / WHITE[i]));
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// L\* alone of sRGB in 0..=1.
pub fn lightness(rgb: Rgb) -> f32 {
    116.0 * root(dot(TO_XYZ[1], rgb.map(|c| LINEAR.at(c)))) - 16.0
}

/// L\*a\*b\* to sRGB, clipped to 0..=1.
pub fn from_lab([l, a, b]: Rgb) -> Rgb {
    let y = (l + 16.0) / 116.0;
    let roots = [y + a / 500.0, y, y - b / 200.0];
    let xyz = [0, 1, 2].map(|i| WHITE[i] * cube(roots[i]));
    FROM_XYZ.map(|row| GAMMA.at(dot(row, xyz)))
}

fn dot(a: Rgb, b: Rgb) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// CIE's f: the cube root, with a straight foot under (6/29)³ so that black has a slope.
fn root(t: f32) -> f32 {
    if t > 0.008856 { cbrt(t) } else { 7.787 * t + 16.0 / 116.0 }
}

/// The inverse of [`root`].
fn cube(f: f32) -> f32 {
    if f > 6.0 / 29.0 { f * f * f } else { (f - 16.0 / 116.0) / 7.787 }
}

/// The cube root of a positive number: a third of the exponent, then two steps of Halley's method.
fn cbrt(x: f32) -> f32 {
    let mut y = f32::from_bits(x.to_bits() / 3 + 0x2a51_19f2);
    for _ in 0..2 {
        let cubed = y * y * y;
        y *= (cubed + 2.0 * x) / (2.0 * cubed + x);
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lab_and_back_is_the_same_colour() {
        for r in 0..=8 {
            for g in 0..=8 {
                for b in 0..=8 {
                    let rgb = [r, g, b].map(|c| c as f32 / 8.0);
                    let back = from_lab(to_lab(rgb));
                    for c in 0..3 {
                        assert!((back[c] - rgb[c]).abs() < 1e-3, "{rgb:?} came back as {back:?}");
                    }
                    assert!((lightness(rgb) - to_lab(rgb)[0]).abs() < 1e-4);
                }
            }
        }
    }

    /// Bruce Lindbloom's calculator, sRGB, D65.
    #[test]
    fn known_colours() {
        for (rgb, lab) in [
            ([1.0, 1.0, 1.0], [100.0, 0.0, 0.0]),
            ([1.0, 0.0, 0.0], [53.24, 80.09, 67.20]),
            ([0.0, 0.0, 1.0], [32.30, 79.19, -107.86]),
        ] {
            let got = to_lab(rgb);
            for c in 0..3 {
                assert!((got[c] - lab[c]).abs() < 0.06, "{rgb:?}: {got:?}, not {lab:?}");
            }
        }
    }

    #[test]
    fn cube_root_to_float_precision() {
        for i in 1..1000 {
            let x = i as f32 / 500.0;
            assert!((cbrt(x) / x.cbrt() - 1.0).abs() < 1e-6, "{x}");
        }
    }
}
