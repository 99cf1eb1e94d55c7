//! Cel: flat fills in few tones, bold ink outlines.

use super::blur;
use super::color::{from_lab, to_lab};
use super::flatten::flatten;
use super::kuwahara::kuwahara;
use super::lines::Pen;
use super::raster::{Raster, Rgb};
use super::tone::step_lightness;

const PEN: Pen = Pen { sigma: 1.1, tau: 0.98, phi: 0.9 };

pub(super) fn render(photo: &Raster<Rgb>) -> Raster<Rgb> {
    let fills = kuwahara(&flatten(photo, 0.008), 4.0).map(|rgb| from_lab(step_lightness(to_lab(rgb), 7.0, 9.0)));
    let lines = PEN.draw(&kuwahara(photo, 2.0)).map(|ink| (ink * 1.6 - 0.25).clamp(0.0, 1.0));
    // The steps leave hard stairs: a slight blur makes them edges again.
    blur::gaussian(&fills, 0.6).zip(&lines, |rgb, ink| over(paint(rgb), ink))
}

/// Lifts the middle tones, feeds pale colours, cools the shadows.
fn paint(rgb: Rgb) -> Rgb {
    let [l, a, b] = to_lab(rgb);
    let light = (((l / 100.0).clamp(0.0, 1.0).powf(0.82) - 0.5) * 1.05 + 0.5).clamp(0.0, 1.0);
    let feed = 1.0 + 0.35 * (-a.hypot(b) / 60.0).exp();
    from_lab([100.0 * light, a * feed + 2.0 * (1.0 - light), b * feed - 5.0 * (1.0 - light) + light])
}

/// A warm black line that keeps a little of the fill under it.
fn over(fill: Rgb, ink: f32) -> Rgb {
    const BLACK: Rgb = [0.036, 0.024, 0.042];
    [0, 1, 2].map(|c| fill[c] * (1.0 - ink) + (fill[c] * 0.18 + BLACK[c]) * ink)
}
