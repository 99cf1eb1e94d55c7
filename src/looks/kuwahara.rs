//! The anisotropic Kuwahara filter with polynomial weights: brush-like dabs along the flow, edges kept.
//!
//! Kyprianidis, Semmo, Kang, Döllner, "Anisotropic Kuwahara Filtering with Polynomial Weighting Functions"
//! (2010). Around each pixel lies an ellipse stretched along the flow, cut into eight overlapping sectors;
//! the answer is the mean of the sectors' means, the quiet sectors far ahead of the busy ones.

use super::raster::{Raster, Rgb};
use super::structure::{Flow, flow};
use rayon::prelude::*;
use std::f32::consts::{FRAC_1_SQRT_2, PI};

/// Gaussian scale of the flow's tensor, in pixels.
const FLOW_SIGMA: f32 = 2.0;
/// A colour and its square length, so that one pass gives means and variances.
type Tap = [f32; 4];
/// One lane for each axis through two opposite sectors.
type Axes = [f32; 4];

/// `image` (sRGB in 0..=1) in dabs of `radius` pixels.
pub fn kuwahara(image: &Raster<Rgb>, radius: f32) -> Raster<Rgb> {
    let flow = flow(image, FLOW_SIGMA);
    // The ellipse's long half-axis is at most twice the radius.
    let margin = (2.0 * radius) as usize;
    let taps = image.map(|[r, g, b]| [r, g, b, r * r + g * g + b * b]).padded(margin);
    let brushes = Brushes::new(radius);
    Raster::draw_rows(image.width, image.height, |y, out| {
        out.extend(flow.row(y).iter().enumerate().map(|(x, &flow)| {
            let centre = (y + margin) * taps.width + x + margin;
            brushes.of(flow).dab(&taps, centre)
        }));
    })
}

/// The brushes of every direction and anisotropy in fine steps: computing the weights of a tap costs far more
/// than using them, and pixels are many more than brushes.
struct Brushes(Vec<Brush>);

impl Brushes {
    const ANGLES: usize = 128;
    const STRETCHES: usize = 16;

    fn new(radius: f32) -> Self {
        let brush = |i: usize| {
            let angle = (i / Self::STRETCHES) as f32 * PI / Self::ANGLES as f32;
            let anisotropy = (i % Self::STRETCHES) as f32 / (Self::STRETCHES - 1) as f32;
            Brush::new(&Ellipse::new(angle, anisotropy, radius))
        };
        Self((0..Self::ANGLES * Self::STRETCHES).into_par_iter().map(brush).collect())
    }

    fn of(&self, Flow { tangent: [cos, sin], anisotropy }: Flow) -> &Brush {
        // A tangent and its opposite are one direction.
        let turns = (sin.atan2(cos) / PI).rem_euclid(1.0);
        let angle = (turns * Self::ANGLES as f32).round() as usize % Self::ANGLES;
        let stretch = (anisotropy.clamp(0.0, 1.0) * (Self::STRETCHES - 1) as f32).round() as usize;
        &self.0[angle * Self::STRETCHES + stretch]
    }
}

/// The filter's ellipse: offsets (dx, dy) with `a·dx² + 2b·dx·dy + c·dy² ≤ 1`.
struct Ellipse {
    /// (dx, dy) ↦ the unit disc's axis along the flow.
    along: [f32; 2],
    /// (dx, dy) ↦ the unit disc's axis across it.
    across: [f32; 2],
    a: f32,
    b: f32,
    /// The quadratic form's determinant.
    det: f32,
    /// How far the sectors overlap at the centre, and how sharply they bend.
    zeta: f32,
    eta: f32,
}

impl Ellipse {
    fn new(angle: f32, anisotropy: f32, radius: f32) -> Self {
        let (sin, cos) = angle.sin_cos();
        let stretch = 1.0 + anisotropy;
        let (long, short) = (1.0 / (radius * stretch), stretch / radius);
        let (along, across) = ([cos * long, sin * long], [-sin * short, cos * short]);
        let zeta = 2.0 / radius;
        let (s, c) = (PI / 8.0).sin_cos();
        Self {
            along,
            across,
            a: along[0] * along[0] + across[0] * across[0],
            b: along[0] * along[1] + across[0] * across[1],
            det: (long * short) * (long * short),
            zeta,
            eta: (zeta + c) / (s * s),
        }
    }

    /// How far down the ellipse reaches.
    fn rows(&self) -> i32 {
        (self.a / self.det).sqrt() as i32
    }

    /// First and last dx inside the ellipse on row `dy` (none if first > last).
    fn span(&self, dy: i32) -> (i32, i32) {
        let dy = dy as f32;
        let (middle, half) = (-self.b * dy / self.a, (self.a - self.det * dy * dy).max(0.0).sqrt() / self.a);
        ((middle - half).ceil() as i32, (middle + half).floor() as i32)
    }

    /// The weights of the tap at (dx, dy) in the sectors ahead on the four axes, and in those behind.
    ///
    /// A sector's polynomial is (ζ + p − η·q²)², with p along its axis and q across it (equation 10 of the
    /// paper); all eight are scaled to sum to a Gaussian of the distance.
    fn weights(&self, dx: i32, dy: i32) -> (Axes, Axes) {
        let (dx, dy) = (dx as f32, dy as f32);
        let u = self.along[0] * dx + self.along[1] * dy;
        let v = self.across[0] * dx + self.across[1] * dy;
        let square = u * u + v * v;
        let axes = [u, (u + v) * FRAC_1_SQRT_2, v, (v - u) * FRAC_1_SQRT_2];
        let sector = |p: f32| (self.zeta + p - self.eta * (square - p * p)).max(0.0).powi(2);
        let (ahead, behind) = (axes.map(sector), axes.map(|p| sector(-p)));
        let total: f32 = ahead.iter().chain(&behind).sum();
        let scale = (-3.125 * square).exp() / (total + 1e-9);
        (ahead.map(|w| w * scale), behind.map(|w| w * scale))
    }
}

/// An ellipse's weights, made for reading taps two by two, at an offset and at its opposite: there, ahead and
/// behind change places. With e and o the half sum and half difference of the weights ahead and behind, the two
/// taps p and q give e·(p + q) ± o·(p − q), half the work of weighing each by itself.
struct Brush {
    /// The centre's weight in each sector.
    centre: Axes,
    /// The rows from the centre down: dy, first dx, number of taps.
    rows: Vec<(isize, isize, usize)>,
    /// `[e, o]` of each tap, row after row, scaled so that a sector's weights sum to 1.
    weights: Vec<[Axes; 2]>,
}

impl Brush {
    fn new(ellipse: &Ellipse) -> Self {
        let (mut rows, mut weights) = (Vec::new(), Vec::new());
        let centre = ellipse.weights(0, 0).0;
        let mut mass = centre;
        for dy in 0..=ellipse.rows() {
            let (first, last) = ellipse.span(dy);
            let first = if dy == 0 { 1 } else { first };
            if first > last {
                continue;
            }
            rows.push((dy as isize, first as isize, (last - first + 1) as usize));
            for dx in first..=last {
                let (ahead, behind) = ellipse.weights(dx, dy);
                let pair = |k: usize| (ahead[k] + behind[k], ahead[k] - behind[k]);
                mass = [0, 1, 2, 3].map(|k| mass[k] + pair(k).0);
                weights.push([[0, 1, 2, 3].map(|k| pair(k).0 / 2.0), [0, 1, 2, 3].map(|k| pair(k).1 / 2.0)]);
            }
        }
        let scale = |axes: Axes| [0, 1, 2, 3].map(|k| axes[k] / mass[k]);
        Self { centre: scale(centre), rows, weights: weights.into_iter().map(|pair| pair.map(scale)).collect() }
    }

    /// The filtered colour at `centre`, an index into `taps`.
    fn dab(&self, taps: &Raster<Tap>, centre: usize) -> Rgb {
        let mut even = taps.data[centre].map(|c| self.centre.map(|w| w * c));
        let mut odd = [[0.0; 4]; 4];
        let mut weights = &self.weights[..];
        for &(dy, first, count) in &self.rows {
            let step = dy * taps.width as isize + first;
            // A row below the centre from the left, and its mirror image above from the right.
            let below = &taps.data[centre.wrapping_add_signed(step)..][..count];
            let above = &taps.data[centre.wrapping_add_signed(-step) + 1 - count..][..count];
            let (here, rest) = weights.split_at(count);
            weights = rest;
            for ((p, q), [e, o]) in below.iter().zip(above.iter().rev()).zip(here) {
                for c in 0..4 {
                    let (sum, difference) = (p[c] + q[c], p[c] - q[c]);
                    for k in 0..4 {
                        even[c][k] += e[k] * sum;
                        odd[c][k] += o[k] * difference;
                    }
                }
            }
        }
        blend(&even, &odd)
    }
}

/// The mean of the sectors' means, each weighed by 1 / (1 + σ⁸) with σ in steps of 1/255.
fn blend(even: &[Axes; 4], odd: &[Axes; 4]) -> Rgb {
    let mut colour = [0.0; 3];
    let mut total = 0.0;
    for sign in [1.0, -1.0] {
        for k in 0..4 {
            let [r, g, b, square] = [0, 1, 2, 3].map(|c| even[c][k] + sign * odd[c][k]);
            let variance = (square - (r * r + g * g + b * b)) * (255.0 * 255.0);
            let weight = 1.0 / (1.0 + (variance * variance) * (variance * variance));
            total += weight;
            colour = [colour[0] + weight * r, colour[1] + weight * g, colour[2] + weight * b];
        }
    }
    colour.map(|c| c / total)
}
