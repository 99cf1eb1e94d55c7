//! The anisotropic Kuwahara filter with polynomial weights: brush-like dabs along the flow, edges kept.
//!
//! Kyprianidis, Semmo, Kang, Döllner, "Anisotropic Kuwahara Filtering with Polynomial Weighting Functions"
//! (2010). Around each pixel lies an ellipse stretched along the flow, cut into eight overlapping sectors;
//! the answer is the mean of the sectors' means, the quiet sectors far ahead of the busy ones.

use super::raster::{Raster, Rgb};
use super::structure::{Flow, flow};
use multiversion::multiversion;
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
    dabs(image, &flow(image, FLOW_SIGMA), radius)
}

fn dabs(image: &Raster<Rgb>, flow: &Raster<Flow>, radius: f32) -> Raster<Rgb> {
    // The ellipse's long half-axis is at most twice the radius.
    let margin = (2.0 * radius) as usize;
    let taps = image.map(|[r, g, b]| [r, g, b, r * r + g * g + b * b]).padded(margin);
    let brushes = Brushes::new(radius);
    Raster::draw_rows(image.width, image.height, |y, out| {
        row(out, flow.row(y), &brushes, &taps, (y + margin) * taps.width + margin);
    })
}

/// One row of dabs, `first` being its first pixel's place in `taps`. Wide vectors make it faster; they are chosen at
/// run time, and add the same numbers in the same order.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
fn row(out: &mut Vec<Rgb>, flows: &[Flow], brushes: &Brushes, taps: &Raster<Tap>, first: usize) {
    // A plain loop: code inside an iterator's own functions would be compiled without the wide vectors.
    for (x, &flow) in flows.iter().enumerate() {
        out.push(brushes.of(flow).dab(taps, first + x));
    }
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

    #[inline(always)]
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
    #[inline(always)]
    fn dab(&self, taps: &Raster<Tap>, centre: usize) -> Rgb {
        let mut even: Sums = std::array::from_fn(|lane| self.centre[lane % 4] * taps.data[centre][lane / 4]);
        let mut odd: Sums = [0.0; 16];
        let mut weights = &self.weights[..];
        for &(dy, first, count) in &self.rows {
            let step = dy * taps.width as isize + first;
            // A row below the centre from the left, and its mirror image above from the right.
            let below = &taps.data[centre.wrapping_add_signed(step)..][..count];
            let above = &taps.data[centre.wrapping_add_signed(-step) + 1 - count..][..count];
            let (here, rest) = weights.split_at(count);
            weights = rest;
            for i in 0..count {
                let (p, q, [e, o]) = (below[i], above[count - 1 - i], here[i]);
                let (mut sum, mut difference) = ([0.0; 4], [0.0; 4]);
                for c in 0..4 {
                    sum[c] = p[c] + q[c];
                    difference[c] = p[c] - q[c];
                }
                for lane in 0..16 {
                    even[lane] += e[lane % 4] * sum[lane / 4];
                    odd[lane] += o[lane % 4] * difference[lane / 4];
                }
            }
        }
        blend(&even, &odd)
    }
}

/// A tap's four numbers, each in four sectors: number · 4 + sector.
type Sums = [f32; 16];

/// The mean of the sectors' means, each weighed by 1 / (1 + σ⁸) with σ in steps of 1/255.
#[inline(always)]
fn blend(even: &Sums, odd: &Sums) -> Rgb {
    let mut colour = [0.0; 3];
    let mut total = 0.0;
    for sign in [1.0, -1.0] {
        for k in 0..4 {
            let [r, g, b, square] = [0, 1, 2, 3].map(|c| even[4 * c + k] + sign * odd[4 * c + k]);
            let variance = (square - (r * r + g * g + b * b)) * (255.0 * 255.0);
            let weight = 1.0 / (1.0 + (variance * variance) * (variance * variance));
            total += weight;
            colour = [colour[0] + weight * r, colour[1] + weight * g, colour[2] + weight * b];
        }
    }
    colour.map(|c| c / total)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The filter as the paper writes it: per pixel, every tap in the box, every sector turned into place.
    fn plain(image: &Raster<Rgb>, flow: &Raster<Flow>, radius: f64) -> Raster<[f64; 3]> {
        let reach = (2.0 * radius) as isize;
        let padded = image.padded(reach as usize);
        Raster::draw(image.width, image.height, |x, y| {
            let Flow { tangent, anisotropy } = flow.at(x, y);
            let ([cos, sin], stretch) = (tangent.map(f64::from), 1.0 + f64::from(anisotropy));
            let zeta = 2.0 / radius;
            let eta = (zeta + (std::f64::consts::PI / 8.0).cos()) / (std::f64::consts::PI / 8.0).sin().powi(2);
            let mut sums = [[0.0; 5]; 8];
            for dy in -reach..=reach {
                for dx in -reach..=reach {
                    let u = (cos * dx as f64 + sin * dy as f64) / (radius * stretch);
                    let v = (cos * dy as f64 - sin * dx as f64) / (radius / stretch);
                    if u * u + v * v > 1.0 {
                        continue;
                    }
                    let sectors = [0, 1, 2, 3, 4, 5, 6, 7].map(|k| {
                        let (s, c) = (k as f64 * std::f64::consts::FRAC_PI_4).sin_cos();
                        let (ahead, aside) = (c * u + s * v, c * v - s * u);
                        (zeta + ahead - eta * aside * aside).max(0.0).powi(2)
                    });
                    let scale = (-3.125 * (u * u + v * v)).exp() / (sectors.iter().sum::<f64>() + 1e-9);
                    let tap = padded.at((x as isize + reach + dx) as usize, (y as isize + reach + dy) as usize);
                    let [r, g, b] = tap.map(f64::from);
                    for (sums, weight) in sums.iter_mut().zip(sectors) {
                        for (sum, value) in sums.iter_mut().zip([r, g, b, r * r + g * g + b * b, 1.0]) {
                            *sum += weight * scale * value;
                        }
                    }
                }
            }
            let (mut colour, mut total) = ([0.0; 3], 0.0);
            for [r, g, b, square, mass] in sums {
                let [r, g, b] = [r, g, b].map(|c| c / mass);
                let deviation = (square / mass - r * r - g * g - b * b).abs().sqrt() * 255.0;
                let weight = 1.0 / (1.0 + deviation.powi(8));
                total += weight;
                colour = [colour[0] + weight * r, colour[1] + weight * g, colour[2] + weight * b];
            }
            colour.map(|c| c / total)
        })
    }

    /// A disc on stripes: edges of all directions, corners, and a fine texture.
    fn drawing() -> Raster<Rgb> {
        Raster::draw(38, 33, |x, y| {
            let stripe = 0.5 + 0.2 * (x as f32 * 0.8 + y as f32 * 0.3).sin();
            let dot = ((x * 7 + y * 13) % 5) as f32 / 100.0;
            let disc = (x as f32 - 18.0).hypot(y as f32 - 15.0) < 10.0;
            if disc { [0.2 + dot, 0.35, 0.8 - 0.01 * y as f32] } else { [stripe, stripe + dot, 0.3] }
        })
    }

    /// How far `dabs` is from `plain` in the worst channel: on the average of all pixels, and at most.
    fn off(flow: &Raster<Flow>, radius: f32) -> (f64, f64) {
        let (fast, plain) = (dabs(&drawing(), flow, radius), plain(&drawing(), flow, f64::from(radius)));
        let off = fast
            .data
            .iter()
            .zip(&plain.data)
            .map(|(a, b)| a.iter().zip(b).map(|(&a, b)| (f64::from(a) - b).abs()).fold(0.0, f64::max));
        (off.clone().sum::<f64>() / plain.data.len() as f64, off.fold(0.0, f64::max))
    }

    #[test]
    fn agrees_with_the_plain_filter_for_the_flows_that_brushes_are_made_for() {
        for (radius, angle, stretch) in [(2.0, 0, 0), (4.0, 37, 9), (3.0, 64, 12), (5.0, 101, 14)] {
            let (sin, cos) = (angle as f32 * PI / Brushes::ANGLES as f32).sin_cos();
            let anisotropy = stretch as f32 / (Brushes::STRETCHES - 1) as f32;
            let flow = Raster::draw(38, 33, |_, _| Flow { tangent: [cos, sin], anisotropy });
            let (_, worst) = off(&flow, radius);
            assert!(worst < 1e-3, "radius {radius}, brush {angle}/{stretch}: {worst} off at the worst");
        }
    }

    #[test]
    fn agrees_with_the_plain_filter_for_a_pictures_own_flow() {
        let flow = flow(&drawing(), FLOW_SIGMA);
        for radius in [2.0, 3.0, 5.0] {
            let (mean, worst) = off(&flow, radius);
            assert!(mean < 0.002 && worst < 0.03, "radius {radius}: {mean} off on the average, {worst} at the worst");
        }
    }

    #[test]
    fn a_brush_weighs_one_in_every_sector() {
        for angle in 0..8 {
            for anisotropy in [0.0, 0.5, 1.0] {
                let brush = Brush::new(&Ellipse::new(angle as f32 * PI / 8.0, anisotropy, 4.0));
                for k in 0..4 {
                    let sum = brush.centre[k] + brush.weights.iter().map(|[e, _]| 2.0 * e[k]).sum::<f32>();
                    assert!((sum - 1.0).abs() < 1e-5, "{sum}");
                }
                let taps = 2 * brush.weights.len() + 1;
                assert!((taps as f32 - PI * 16.0).abs() < 9.0, "an ellipse of radius 4 has about 50 taps, not {taps}");
            }
        }
    }

    #[test]
    fn keeps_an_edge_and_quiets_what_lies_beside_it() {
        let noisy = Raster::draw(40, 24, |x, y| {
            let noise = ((3 * x * x + 5 * y * y + x * y) % 7) as f32 / 200.0;
            if x < 20 { [0.2 + noise; 3] } else { [0.8 + noise; 3] }
        });
        let drawn = kuwahara(&noisy, 4.0);
        assert!(drawn.at(21, 12)[0] - drawn.at(18, 12)[0] > 0.57, "the edge is as steep as before");
        let column = |image: &Raster<Rgb>| {
            let values: Vec<f32> = (4..20).map(|y| image.at(10, y)[0]).collect();
            values.iter().fold(0.0, |a: f32, &b| a.max(b)) - values.iter().fold(1.0, |a: f32, &b| a.min(b))
        };
        assert!(column(&drawn) < 0.4 * column(&noisy), "{} after {}", column(&drawn), column(&noisy));
    }
}
