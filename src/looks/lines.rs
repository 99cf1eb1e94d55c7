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
        let tangents = flow(image, FLOW_SIGMA).map(|flow| flow.tangent);
        let contrast = self.across(&image.map(lightness), &tangents);
        along(&contrast, &tangents).map(|dog| -(self.phi * dog.min(0.0)).tanh())
    }

    /// The difference of Gaussians of `light` along each pixel's normal.
    fn across(&self, light: &Raster<f32>, tangents: &Raster<[f32; 2]>) -> Raster<f32> {
        let gauss = |sigma: f32| {
            let raw: Vec<f32> =
                (-ACROSS..=ACROSS).map(|i| (-(i as f32 / 2.0).powi(2) / (2.0 * sigma * sigma)).exp()).collect();
            let sum: f32 = raw.iter().sum();
            raw.into_iter().map(move |v| v / sum)
        };
        let weights: Vec<f32> =
            gauss(self.sigma).zip(gauss(1.6 * self.sigma)).map(|(narrow, wide)| narrow - self.tau * wide).collect();
        let padded = light.padded(MARGIN);
        Raster::draw(light.width, light.height, |x, y| {
            let [tx, ty] = tangents.at(x, y);
            let mut sum = 0.0;
            for (i, weight) in (-ACROSS..=ACROSS).zip(&weights) {
                let step = i as f32 / 2.0;
                sum += weight * bilinear(&padded, x as f32 - ty * step, y as f32 + tx * step);
            }
            sum
        })
    }
}

/// The mean of `values` along the flow line through each pixel.
fn along(values: &Raster<f32>, tangents: &Raster<[f32; 2]>) -> Raster<f32> {
    let weights = [0, 1, 2, 3, 4, 5].map(|k| (-(k * k) as f32 / 18.0).exp());
    let total = weights[0] + 2.0 * weights[1..].iter().sum::<f32>();
    let (padded, paths) = (values.padded(MARGIN), tangents.padded(MARGIN));
    Raster::draw(values.width, values.height, |x, y| {
        let mut sum = weights[0] * values.at(x, y);
        let [tx, ty] = tangents.at(x, y);
        for [mut dx, mut dy] in [[tx, ty], [-tx, -ty]] {
            let (mut px, mut py) = (x as f32, y as f32);
            for &weight in &weights[1..] {
                (px, py) = (px + dx, py + dy);
                sum += weight * bilinear(&padded, px, py);
                let [qx, qy] = paths.at(nearest(px), nearest(py));
                // A tangent has no sign of its own: keep going the same way.
                let sign = if qx * dx + qy * dy < 0.0 { -1.0 } else { 1.0 };
                (dx, dy) = (qx * sign, qy * sign);
            }
        }
        sum / total
    })
}

/// The index in a padded raster of the pixel nearest to a coordinate of the bare one.
fn nearest(x: f32) -> usize {
    (x + MARGIN as f32 + 0.5) as usize
}

/// The value of the bare raster at (x, y), between pixels by bilinear interpolation.
fn bilinear(padded: &Raster<f32>, x: f32, y: f32) -> f32 {
    let (x, y) = (x + MARGIN as f32, y + MARGIN as f32);
    let (left, top) = (x as usize, y as usize);
    let (fx, fy) = (x - left as f32, y - top as f32);
    let at = top * padded.width + left;
    let (above, below) = (&padded.data[at..at + 2], &padded.data[at + padded.width..][..2]);
    let upper = above[0] + fx * (above[1] - above[0]);
    let lower = below[0] + fx * (below[1] - below[0]);
    upper + fy * (lower - upper)
}
