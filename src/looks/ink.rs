//! Ink, a brush-and-wash manga plate: four grey washes on warm paper, black lines.

use super::color::lightness;
use super::flatten::flatten;
use super::kuwahara::kuwahara;
use super::lines::Pen;
use super::raster::{Raster, Rgb};
use super::tone::soft_steps;

const PEN: Pen = Pen { sigma: 1.1, tau: 0.98, phi: 1.0 };
const PAPER: Rgb = [0.985, 0.96, 0.90];
const BLACK: Rgb = [0.09, 0.10, 0.16];

pub(super) fn render(photo: &Raster<Rgb>) -> Raster<Rgb> {
    let washes = kuwahara(&flatten(photo, 0.015), 5.0).map(|rgb| {
        let light = (lightness(rgb) / 100.0 - 0.08) / 0.84;
        0.12 + 0.88 * soft_steps(light.clamp(0.0, 0.999).powf(0.8), 4.0, 14.0)
    });
    let lines = PEN.draw(&kuwahara(photo, 2.0)).map(|ink| (ink * 1.8 - 0.25).clamp(0.0, 1.0));
    washes.zip(&lines, |wash, ink| {
        let value = wash.clamp(0.0, 1.0) * (1.0 - 0.95 * ink);
        [0, 1, 2].map(|c| value * PAPER[c] + (1.0 - value) * BLACK[c])
    })
}
