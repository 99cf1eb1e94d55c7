//! The anisotropic Kuwahara filter with polynomial weights: brush-like dabs along the flow, edges kept.
//!
//! Kyprianidis, Semmo, Kang, Döllner, "Anisotropic Kuwahara Filtering with Polynomial Weighting Functions"
//! (2010). Around each pixel lies an ellipse stretched along the flow, cut into eight overlapping sectors;
//! the answer is the mean of the sectors' means, the quiet sectors far ahead of the busy ones.

use super::raster::{Raster, Rgb};
use super::structure::{Flow, flow};
use std::f32::consts::{FRAC_1_SQRT_2, PI};

/// Gaussian scale of the flow's tensor, in pixels.
const FLOW_SIGMA: f32 = 2.0;
/// A colour and its square length, so that one pass gives means and variances.
type Tap = [f32; 4];
/// One lane a sector; `k + 4` lies opposite `k`.
type Sectors = [f32; 8];

/// `image` (sRGB in 0..=1) in dabs of `radius` pixels.
pub fn kuwahara(image: &Raster<Rgb>, radius: f32) -> Raster<Rgb> {
    let flow = flow(image, FLOW_SIGMA);
    // The ellipse's long half-axis is at most twice the radius.
    let margin = (2.0 * radius) as usize;
    let taps = image.map(|[r, g, b]| [r, g, b, r * r + g * g + b * b]).padded(margin);
    Raster::draw_rows(image.width, image.height, |y, out| {
        out.extend(flow.row(y).iter().enumerate().map(|(x, &flow)| {
            let centre = (y + margin) * taps.width + x + margin;
            dab(&taps, centre, &Ellipse::new(flow, radius))
        }));
    })
}

/// The filter's ellipse around one pixel: offsets (dx, dy) with `a·dx² + 2b·dx·dy + c·dy² ≤ 1`.
struct Ellipse {
    /// (dx, dy) ↦ the unit disc's axis along the flow.
    along: [f32; 2],
    /// (dx, dy) ↦ the unit disc's axis across it.
    across: [f32; 2],
    a: f32,
    b: f32,
    /// The quadratic form's determinant.
    det: f32,
    zeta: f32,
    eta: f32,
}

impl Ellipse {
    fn new(Flow { tangent: [cos, sin], anisotropy }: Flow, radius: f32) -> Self {
        let stretch = 1.0 + anisotropy.clamp(0.0, 1.0);
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

    /// First and last dx inside the ellipse on row `dy` (empty if first > last).
    fn span(&self, dy: i32) -> (i32, i32) {
        let dy = dy as f32;
        let (middle, half) = (-self.b * dy / self.a, (self.a - self.det * dy * dy).max(0.0).sqrt() / self.a);
        ((middle - half).ceil() as i32, (middle + half).floor() as i32)
    }

    /// The weights of the tap at (dx, dy) in all sectors; the tap at (−dx, −dy) has them with the halves
    /// swapped.
    #[inline(always)]
    fn weights(&self, dx: f32, dy: f32) -> ([f32; 4], [f32; 4]) {
        let u = self.along[0] * dx + self.along[1] * dy;
        let v = self.across[0] * dx + self.across[1] * dy;
        let square = u * u + v * v;
        let (ahead, behind) = sectors(u, v, square, self.zeta, self.eta);
        let mut total = 1e-9;
        for k in 0..4 {
            total += ahead[k] + behind[k];
        }
        let scale = fade(square) / total;
        (ahead.map(|w| w * scale), behind.map(|w| w * scale))
    }
}

/// The sectors' polynomials, (ζ ± p − η·q²)², with p along a sector's axis and q across it: for four axes
/// forwards, and for the same four backwards.
#[inline(always)]
fn sectors(u: f32, v: f32, square: f32, zeta: f32, eta: f32) -> ([f32; 4], [f32; 4]) {
    let axes = [u, (u + v) * FRAC_1_SQRT_2, v, (v - u) * FRAC_1_SQRT_2];
    let base = axes.map(|p| zeta - eta * (square - p * p));
    let (mut ahead, mut behind) = ([0.0; 4], [0.0; 4]);
    for k in 0..4 {
        let (forwards, backwards) = ((base[k] + axes[k]).max(0.0), (base[k] - axes[k]).max(0.0));
        ahead[k] = forwards * forwards;
        behind[k] = backwards * backwards;
    }
    (ahead, behind)
}

/// exp(−3.125·t) for t in 0..=1 to six digits: a short series for the eighth part, then its eighth power.
#[inline(always)]
fn fade(t: f32) -> f32 {
    let x = t * (-3.125 / 8.0);
    let e = 1.0 + x * (1.0 + x * (0.5 + x * (1.0 / 6.0 + x * (1.0 / 24.0 + x * (1.0 / 120.0)))));
    let square = e * e;
    (square * square) * (square * square)
}

/// The filtered colour at `centre`, an index into `taps`.
fn dab(taps: &Raster<Tap>, centre: usize, ellipse: &Ellipse) -> Rgb {
    // A sector's mass is its opposite's too.
    let mut mass = [1.0 / 8.0; 4];
    let mut sums: [Sectors; 4] = taps.data[centre].map(|c| [c / 8.0; 8]);
    for dy in 0..=ellipse.rows() {
        let (first, last) = ellipse.span(dy);
        let first = if dy == 0 { 1 } else { first };
        if first > last {
            continue;
        }
        let count = (last - first + 1) as usize;
        let step = dy as isize * taps.width as isize + first as isize;
        // The row below the centre from the left, and its mirror image above from the right.
        let below = &taps.data[centre.wrapping_add_signed(step)..][..count];
        let above = &taps.data[centre.wrapping_add_signed(-step) + 1 - count..][..count];
        for (i, (p, q)) in below.iter().zip(above.iter().rev()).enumerate() {
            let (ahead, behind) = ellipse.weights((first + i as i32) as f32, dy as f32);
            for k in 0..4 {
                mass[k] += ahead[k] + behind[k];
            }
            for c in 0..4 {
                for k in 0..4 {
                    sums[c][k] += ahead[k] * p[c] + behind[k] * q[c];
                    sums[c][k + 4] += behind[k] * p[c] + ahead[k] * q[c];
                }
            }
        }
    }
    blend(&mass, &sums)
}

/// The mean of the sectors' means, each weighed by 1 / (1 + σ⁸) with σ in steps of 1/255.
fn blend(mass: &[f32; 4], sums: &[Sectors; 4]) -> Rgb {
    let mut colour = [0.0; 3];
    let mut total = 0.0;
    for k in 0..8 {
        let mean = [0, 1, 2, 3].map(|c| sums[c][k] / mass[k % 4]);
        let square = mean[0] * mean[0] + mean[1] * mean[1] + mean[2] * mean[2];
        let variance = (mean[3] - square) * (255.0 * 255.0);
        let weight = 1.0 / (1.0 + (variance * variance) * (variance * variance));
        total += weight;
        for c in 0..3 {
            colour[c] += weight * mean[c];
        }
    }
    colour.map(|c| c / total)
}
