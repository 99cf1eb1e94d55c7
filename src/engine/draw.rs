//! Pixels in, pixels out: one forward pass, or one a tile.

mod pixels;
mod planes;
#[cfg(test)]
mod tests;

use std::time::Duration;

use candle_core::{DType, Device, Result, Tensor};

use super::watchdog::Beat;
use crate::imaging::Picture;
use crate::imaging::tile::{self, Tile};
use crate::models::{Card, Model, Style};

/// The pieces in which a model of that card draws a picture of `width`×`height`: several where it has more pixels than a
/// square of `piece`, and the model can be drawn in tiles.
pub(super) fn pieces(card: &Card, (width, height): (u32, u32), piece: usize) -> Vec<Tile> {
    let (height, width) = (height as usize, width as usize);
    match card.reach {
        // A halo of a multiple at least: a tile at the picture's end then mirrors
        // the same pixels as the whole picture would.
        Some(reach) => tile::plan(height, width, piece, reach.max(card.size_multiple), card.size_multiple),
        None => vec![Tile { source: (0..height, 0..width), kept: (0..height, 0..width) }],
    }
}

/// Draws `photos`, all of one size, with `model` in `style`: pictures of the same size, and the time that the network
/// alone took. Pictures of several [`pieces`] are drawn one after another.
///
/// # Errors
/// Whatever candle answers, for example that the device's memory is full.
pub(super) fn draw(
    model: &Model,
    photos: &[&Picture],
    style: &Style,
    piece: usize,
    (device, beat): (&Device, &Beat),
) -> Result<(Vec<Picture>, Duration)> {
    let Some(first) = photos.first() else { return Ok(Default::default()) };
    let tiles = pieces(model.card(), (first.width, first.height), piece);
    match model.takes_pixels() {
        true => pixels::draw(model, photos, style, &tiles, beat),
        false => planes::draw(model, photos, style, &tiles, (device, beat)),
    }
}

/// A small real forward pass whose values must be finite.
///
/// # Errors
/// Whatever candle answers, or a message that the values are not finite.
pub(super) fn warm_up(model: &Model, device: &Device, beat: &Beat) -> Result<()> {
    let _pass = beat.pass();
    let side = 64usize.next_multiple_of(model.card().size_multiple);
    let photo = Tensor::zeros((1, model.card().architecture.channels().0, side, side), DType::F32, device)?;
    let style = Style::of(model.card(), None, 1.0).map_err(candle_core::Error::msg)?;
    let values = model.draw(&photo, &style)?.flatten_all()?.to_dtype(DType::F32)?.to_vec1::<f32>()?;
    match values.iter().all(|value| value.is_finite()) {
        true => Ok(()),
        false => candle_core::bail!("the network's answer to a grey picture is not finite"),
    }
}
