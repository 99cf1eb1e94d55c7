//! Gouache, a hand-painted background: brush dabs, fresh greens, cyan skies, thin blue-violet lines.

use super::color::{from_lab, to_lab};
use super::flatten::flatten;
use super::kuwahara::kuwahara;
use super::lines::Pen;
use super::raster::{Raster, Rgb};
use super::tone::{HueTurn, step_lightness};

const PEN: Pen = Pen { sigma: 1.0, tau: 0.98, phi: 0.7 };
const GREENS: HueTurn = HueTurn { centre: 125.0, width: 45.0, degrees: -14.0, gain: 1.45 };
const BLUES: HueTurn = HueTurn { centre: -80.0, width: 45.0, degrees: -22.0, gain: 1.35 };
const OCHRES: HueTurn = HueTurn { centre: 60.0, width: 35.0, degrees: 4.0, gain: 1.25 };

pub(super) fn render(photo: &Raster<Rgb>) -> Raster<Rgb> {
    let (broad, fine) = (kuwahara(&flatten(photo, 0.003), 8.0), kuwahara(photo, 4.0));
    let fills = broad.zip(&fine, |broad, fine| paint([0, 1, 2].map(|c| 0.75 * broad[c] + 0.25 * fine[c])));
    let lines = PEN.draw(&kuwahara(photo, 3.0)).map(|ink| 0.8 * (ink * 1.3 - 0.25).clamp(0.0, 1.0));
    fills.zip(&lines, over)
}

/// Lighter tones in a dozen steps, the palette turned, shadows towards violet and lights towards yellow.
fn paint(rgb: Rgb) -> Rgb {
    let [l, a, b] = step_lightness(to_lab(rgb), 12.0, 5.0);
    let light = (0.10 + 0.92 * (l / 100.0).clamp(0.0, 1.0).powf(0.78)).min(1.0);
    let [l, a, b] = OCHRES.apply(BLUES.apply(GREENS.apply([100.0 * light, a, b])));
    let shade = (1.0 - light).powf(1.5);
    from_lab([l, a + 3.0 * shade, b - 9.0 * shade + 5.0 * light.powi(3)])
}

/// A violet line that keeps a third of the fill under it.
fn over(fill: Rgb, ink: f32) -> Rgb {
    const VIOLET: Rgb = [0.077, 0.042, 0.035];
    [0, 1, 2].map(|c| fill[c] * (1.0 - ink) + (fill[c] * 0.35 + VIOLET[c]) * ink)
}
