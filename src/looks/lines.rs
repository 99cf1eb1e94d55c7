//! Ink lines: a difference of Gaussians across the flow, averaged along it.
//!
//! Kang, Lee, Chui, "Coherent Line Drawing" (2007); Winnemöller, Kyprianidis, Olsen, "XDoG: An eXtended
//! difference-of-Gaussians compendium including advanced image stylization" (2012).

use super::color::lightness;
use super::raster::{Raster, Rgb};
use super::structure::flow;

/// How lines are found.
#[derive(Clone, Copy, Debug)]
pub struct Pen {
    /// Half a line's width: the narrow Gaussian's σ in pixels. The wide one's is 1.6 times it.
    pub sigma: f32,
    /// The wide Gaussian's share; nearer 1 finds fainter lines.
    pub tau: f32,
    /// How fast a line gets black.
    pub phi: f32,
}

/// Gaussian scale of the flow's tensor, in pixels: smoother than a dab's, lines should not wobble.
const FLOW_SIGMA: f32 = 3.0;
/// Samples to each side across the flow, at half-pixel steps.
const ACROSS: i32 = 8;
/// Samples to each side along the flow, at one-pixel steps, under a Gaussian of σ 3.
const ALONG: i32 = 5;
/// Samples reach this far beyond the picture, one pixel more for interpolation.
const MARGIN: usize = ALONG as usize + 2;

impl Pen {
    /// How much ink lies on each pixel of `image` (sRGB in 0..=1): 0 none, 1 full.
    pub fn draw(&self, image: &Raster<Rgb>) -> Raster<f32> {
        let steps = flow(image, FLOW_SIGMA).map(|flow| flow.tangent.map(|t| (t * ONE as f32) as i32));
        let contrast = self.across(&image.map(lightness), &steps);
        along(&contrast, &steps).map(|dog| -(self.phi * dog.min(0.0)).tanh())
    }

    /// The difference of Gaussians of `light` across the flow, whose one-pixel `steps` run along it.
    fn across(&self, light: &Raster<f32>, steps: &Raster<Step>) -> Raster<f32> {
        let gauss = |sigma: f32| {
            let raw = (-ACROSS..=ACROSS).map(move |i| (-(i as f32 / 2.0).powi(2) / (2.0 * sigma * sigma)).exp());
            let sum: f32 = raw.clone().sum();
            raw.map(move |v| v / sum)
        };
        let weights: Vec<f32> =
            gauss(self.sigma).zip(gauss(1.6 * self.sigma)).map(|(narrow, wide)| narrow - self.tau * wide).collect();
        let padded = light.padded(MARGIN);
        Raster::draw(light.width, light.height, |x, y| {
            let ([tx, ty], [cx, cy]) = (steps.at(x, y), place(x, y));
            let mut sum = 0.0;
            for (i, weight) in (-ACROSS..=ACROSS).zip(&weights) {
                sum += weight * bilinear(&padded, [cx - ty * i / 2, cy + tx * i / 2]);
            }
            sum
        })
    }
}

/// The mean of `values` along the flow line through each pixel.
fn along(values: &Raster<f32>, steps: &Raster<Step>) -> Raster<f32> {
    let weights: Vec<f32> = (0..=ALONG).map(|k| (-(k * k) as f32 / 18.0).exp()).collect();
    let total = weights[0] + 2.0 * weights[1..].iter().sum::<f32>();
    let (values, steps) = (values.padded(MARGIN), steps.padded(MARGIN));
    Raster::draw(values.width - 2 * MARGIN, values.height - 2 * MARGIN, |x, y| {
        let centre = place(x, y);
        let mut sum = weights[0] * values.at(x + MARGIN, y + MARGIN);
        let [tx, ty] = steps.at(x + MARGIN, y + MARGIN);
        for [mut dx, mut dy] in [[tx, ty], [-tx, -ty]] {
            let [mut px, mut py] = centre;
            for &weight in &weights[1..] {
                (px, py) = (px + dx, py + dy);
                sum += weight * bilinear(&values, [px, py]);
                let [qx, qy] = steps.at(whole(px + ONE / 2), whole(py + ONE / 2));
                // A tangent has no sign of its own: keep going the same way.
                let sign = if qx * dx + qy * dy < 0 { -1 } else { 1 };
                (dx, dy) = (qx * sign, qy * sign);
            }
        }
        sum / total
    })
}

/// x and y in a padded raster in fixed point, [`ONE`] a pixel: a third of floating point's time, and room for
/// sides of 131,000 pixels.
type Step = [i32; 2];
const BITS: u32 = 14;
const ONE: i32 = 1 << BITS;

/// Where pixel (x, y) of the bare raster lies in the padded one.
fn place(x: usize, y: usize) -> Step {
    [x, y].map(|i| ((i + MARGIN) as i32) << BITS)
}

/// The pixel at or before a place.
fn whole(x: i32) -> usize {
    (x >> BITS) as usize
}

/// The value at a place between pixels, by bilinear interpolation.
fn bilinear(padded: &Raster<f32>, [x, y]: Step) -> f32 {
    let fraction = |x: i32| (x & (ONE - 1)) as f32 * (1.0 / ONE as f32);
    let at = whole(y) * padded.width + whole(x);
    let (above, below) = (&padded.data[at..at + 2], &padded.data[at + padded.width..][..2]);
    let upper = above[0] + fraction(x) * (above[1] - above[0]);
    let lower = below[0] + fraction(x) * (below[1] - below[0]);
    upper + fraction(y) * (lower - upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEN: Pen = Pen { sigma: 1.0, tau: 0.98, phi: 0.9 };

    fn halves(width: usize, height: usize, degrees: f32) -> Raster<Rgb> {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let (cx, cy) = (width as f32 / 2.0, height as f32 / 2.0);
        Raster::draw(width, height, |x, y| {
            let side = cos * (x as f32 + 0.5 - cx) + sin * (y as f32 + 0.5 - cy);
            [0.3 + 0.5 * (side + 0.5).clamp(0.0, 1.0); 3]
        })
    }

    #[test]
    fn an_edge_gets_a_line_on_its_dark_side_at_any_angle() {
        for degrees in [0.0, 30.0, 45.0, 90.0, 150.0] {
            let ink = PEN.draw(&halves(48, 44, degrees));
            let (sin, cos) = f32::to_radians(degrees).sin_cos();
            let at = |far: f32| ink.at((24.0 + far * cos) as usize, (22.0 + far * sin) as usize);
            let line = (-6..=0).map(|i| at(i as f32 / 2.0)).fold(0.0, f32::max);
            assert!(line > 0.9, "{degrees}°: {line}");
            assert!(at(-12.0) < 0.05 && at(12.0) < 0.05, "{degrees}°: ink far from the edge");
        }
    }

    #[test]
    fn no_ink_on_a_flat_picture() {
        for level in [0.0, 0.4, 1.0] {
            let flat = Raster::draw(13, 11, |_, _| [level; 3]);
            assert!(PEN.draw(&flat).data.iter().all(|&ink| ink < 1e-3), "level {level}");
        }
    }

    #[test]
    fn between_pixels_is_in_between() {
        let slope = Raster::draw(9, 8, |x, y| 2.0 * x as f32 + 0.5 * y as f32).padded(MARGIN);
        for (x, y) in [(3.0, 4.0), (2.25, 5.5), (6.75, 0.125)] {
            let place = [x, y].map(|i: f32| ((i + MARGIN as f32) * ONE as f32) as i32);
            assert!((bilinear(&slope, place) - (2.0 * x + 0.5 * y)).abs() < 1e-4);
        }
    }
}
