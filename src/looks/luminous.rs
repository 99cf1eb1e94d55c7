//! Luminous, a film still's light: crisp detail, deep blue shadows, warm highlights, bloom.

use super::blur;
use super::color::{from_lab, to_lab};
use super::kuwahara::kuwahara;
use super::lines::Pen;
use super::raster::{Raster, Rgb};
use super::tone::HueTurn;

const PEN: Pen = Pen { sigma: 0.9, tau: 0.98, phi: 0.7 };
const BLUES: HueTurn = HueTurn { centre: -75.0, width: 50.0, degrees: -8.0, gain: 1.7 };
const GREENS: HueTurn = HueTurn { centre: 130.0, width: 40.0, degrees: 10.0, gain: 1.35 };
const SKINS: HueTurn = HueTurn { centre: 60.0, width: 40.0, degrees: -8.0, gain: 1.35 };

pub(super) fn render(photo: &Raster<Rgb>) -> Raster<Rgb> {
    let lab = kuwahara(photo, 4.0).map(to_lab);
    let light = lab.map(|[l, ..]| [(l / 100.0).clamp(0.0, 1.0)]);
    let light = light.zip(&blur::gaussian(&light, 24.0), |[light], [surround]| expose(light, surround));
    let graded = lab.zip(&light, |[_, a, b], light| grade(light, a, b));
    let lamps = graded.zip(&light, |rgb, light| rgb.map(|c| c * ((light - 0.55) / 0.45).clamp(0.0, 1.0)));
    let bloom =
        blur::gaussian(&lamps, 6.0).zip(&blur::gaussian(&lamps, 20.0), |p, q| [0, 1, 2].map(|c| 0.5 * (p[c] + q[c])));
    let lines = PEN.draw(&kuwahara(photo, 2.0)).map(|ink| (ink * 1.2 - 0.3).clamp(0.0, 1.0));
    let lit = graded.zip(&bloom, |rgb, bloom| [0, 1, 2].map(|c| 1.0 - (1.0 - rgb[c]) * (1.0 - 0.6 * bloom[c])));
    lit.zip(&lines, |rgb, ink| rgb.map(|c| (c * (1.0 - 0.35 * ink)).clamp(0.0, 1.0)))
}

/// Lightness (0..=1) with half as much more local contrast over its `surround`, brighter, on a slight S-curve.
fn expose(light: f32, surround: f32) -> f32 {
    let light = (surround + (light - surround) * 1.5).clamp(0.0, 1.0).powf(0.85);
    0.45 * light * light * (3.0 - 2.0 * light) + 0.55 * light
}

/// Richer hues; shadows towards blue, highlights towards orange.
fn grade(light: f32, a: f32, b: f32) -> Rgb {
    let [l, a, b] = SKINS.apply(GREENS.apply(BLUES.apply([100.0 * light, a, b])));
    let (shade, glow) = ((1.0 - light).powf(1.3), ((light - 0.62) / 0.38).clamp(0.0, 1.0));
    from_lab([l, a + 18.0 * shade * (1.0 - shade) + 3.0 * shade + 7.0 * glow, b - 22.0 * shade + 9.0 * glow])
}
