//! Pixels in, pixels out: one forward pass, or one a tile. Tiles are cut from
//! the picture's bytes and put back into them, so that a large picture is never
//! a tensor as a whole.

use std::ops::Range;
use std::time::{Duration, Instant};

use candle_core::{DType, Device, Result, Tensor};

use super::watchdog::Beat;
use crate::imaging::tile::{self, Tile};
use crate::imaging::{Picture, pad, tensor};
use crate::models::{Area, Card, Model, Style};

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
    if tiles.len() <= 1 {
        return draw_piece(model, photos, style, None, (device, beat));
    }
    let (mut drawn, mut took) = (Vec::new(), Duration::ZERO);
    for photo in photos {
        let (picture, infer) = draw_tiles(model, photo, style, &tiles, (device, beat))?;
        drawn.push(picture);
        took += infer;
    }
    Ok((drawn, took))
}

fn draw_tiles(
    model: &Model,
    photo: &Picture,
    style: &Style,
    tiles: &[Tile],
    (device, beat): (&Device, &Beat),
) -> Result<(Picture, Duration)> {
    let (inputs, outputs) = model.card().architecture.channels();
    let mut drawing = blank(photo, outputs);
    let mut infer = Duration::ZERO;
    for tile in tiles {
        let (rows, columns) = tile.inner();
        let wanted = Area { rows, columns };
        let cut = cut(photo, &tile.source, inputs);
        let (drawn, took) = draw_piece(model, &[&cut], style, Some(&wanted), (device, beat))?;
        drawn.iter().for_each(|drawn| paste(&mut drawing, drawn, tile));
        infer += took;
    }
    Ok((drawing, infer))
}

/// Pictures of which only `wanted`, if it is given, is asked for.
fn draw_piece(
    model: &Model,
    photos: &[&Picture],
    style: &Style,
    wanted: Option<&Area>,
    (device, beat): (&Device, &Beat),
) -> Result<(Vec<Picture>, Duration)> {
    let _pass = beat.pass();
    let card = model.card();
    let channels = card.architecture.channels().0;
    let input =
        |photo: &&Picture| pad::to_multiple(&tensor::from_picture(photo, channels, device)?, card.size_multiple);
    let mut inputs = photos.iter().map(input).collect::<Result<Vec<_>>>()?;
    let input = if inputs.len() == 1 { inputs.remove(0) } else { Tensor::cat(&inputs, 0)? };
    let (drawn, infer) = forward(model, &input, style, wanted, device)?;
    let picture = |(i, photo): (usize, &&Picture)| {
        tensor::to_picture(&pad::crop(&drawn.narrow(0, i, 1)?, photo.height as usize, photo.width as usize)?)
    };
    Ok((photos.iter().enumerate().map(picture).collect::<Result<_>>()?, infer))
}

/// A picture of `photo`'s size, with alpha if the network draws it.
fn blank(photo: &Picture, channels: usize) -> Picture {
    let pixels = photo.rgb.len() / 3;
    let alpha = (channels == 4).then(|| vec![0; pixels]);
    Picture { width: photo.width, height: photo.height, rgb: vec![0; 3 * pixels], alpha }
}

/// `photo` within the rows and columns, with its alpha if the network sees it.
fn cut(photo: &Picture, (rows, columns): &(Range<usize>, Range<usize>), channels: usize) -> Picture {
    let width = photo.width as usize;
    let part = |values: &[u8], pixel: usize| {
        rows.clone().flat_map(|row| &values[span(width, row, columns, pixel)]).copied().collect()
    };
    let alpha = photo.alpha.as_ref().filter(|_| channels == 4).map(|alpha| part(alpha, 1));
    Picture { width: columns.len() as u32, height: rows.len() as u32, rgb: part(&photo.rgb, 3), alpha }
}

/// Puts what is kept of a drawn tile into `drawing`.
fn paste(drawing: &mut Picture, drawn: &Picture, tile: &Tile) {
    let (rows, columns) = &tile.kept;
    let (inner_rows, inner_columns) = tile.inner();
    let (width, inner_width) = (drawing.width as usize, drawn.width as usize);
    let copy = |to: &mut [u8], from: &[u8], pixel: usize| {
        for (row, inner_row) in rows.clone().zip(inner_rows.clone()) {
            let from = &from[span(inner_width, inner_row, &inner_columns, pixel)];
            to[span(width, row, columns, pixel)].copy_from_slice(from);
        }
    };
    copy(&mut drawing.rgb, &drawn.rgb, 3);
    if let (Some(to), Some(from)) = (&mut drawing.alpha, &drawn.alpha) {
        copy(to, from, 1);
    }
}

/// Where the columns of a row lie among the values of a picture of that width, so many of them a pixel.
fn span(width: usize, row: usize, columns: &Range<usize>, pixel: usize) -> Range<usize> {
    pixel * (row * width + columns.start)..pixel * (row * width + columns.end)
}

/// One pass, timed to the moment when the device has finished.
fn forward(
    model: &Model,
    input: &Tensor,
    style: &Style,
    wanted: Option<&Area>,
    device: &Device,
) -> Result<(Tensor, Duration)> {
    let start = Instant::now();
    let output = match wanted {
        Some(wanted) => model.draw_part(input, wanted, style)?,
        None => model.draw(input, style)?,
    };
    device.synchronize()?;
    Ok((output, start.elapsed()))
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
    let (drawn, _) = forward(model, &photo, &style, None, device)?;
    let values = drawn.flatten_all()?.to_dtype(DType::F32)?.to_vec1::<f32>()?;
    match values.iter().all(|value| value.is_finite()) {
        true => Ok(()),
        false => candle_core::bail!("the network's answer to a grey picture is not finite"),
    }
}
