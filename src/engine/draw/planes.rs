//! By tensors of planes: on a GPU, and where noise comes beside the photo. Tiles are cut from the picture's bytes and put
//! back into them, so that a large picture is never a tensor as a whole.

use std::ops::Range;
use std::time::{Duration, Instant};

use candle_core::{Device, Result, Tensor};

use crate::engine::watchdog::Beat;
use crate::imaging::tile::Tile;
use crate::imaging::{Picture, pad, tensor};
use crate::models::{Model, Style};

/// Pictures of `photos`, all of one size, and the time that the network took.
///
/// # Errors
/// Whatever candle answers.
pub(super) fn draw(
    model: &Model,
    photos: &[&Picture],
    style: &Style,
    tiles: &[Tile],
    (device, beat): (&Device, &Beat),
) -> Result<(Vec<Picture>, Duration)> {
    if tiles.len() <= 1 {
        return draw_piece(model, photos, style, (device, beat));
    }
    let (mut drawn, mut took) = (Vec::new(), Duration::ZERO);
    for photo in photos {
        let (picture, infer) = draw_tiles(model, photo, style, tiles, (device, beat))?;
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
        let cut = cut(photo, &tile.source, inputs);
        let (drawn, took) = draw_piece(model, &[&cut], style, (device, beat))?;
        drawn.iter().for_each(|drawn| paste(&mut drawing, drawn, tile));
        infer += took;
    }
    Ok((drawing, infer))
}

fn draw_piece(
    model: &Model,
    photos: &[&Picture],
    style: &Style,
    (device, beat): (&Device, &Beat),
) -> Result<(Vec<Picture>, Duration)> {
    let _pass = beat.pass();
    let card = model.card();
    let channels = card.architecture.channels().0;
    let input =
        |photo: &&Picture| pad::to_multiple(&tensor::from_picture(photo, channels, device)?, card.size_multiple);
    let mut inputs = photos.iter().map(input).collect::<Result<Vec<_>>>()?;
    let input = if inputs.len() == 1 { inputs.remove(0) } else { Tensor::cat(&inputs, 0)? };
    let (drawn, infer) = forward(model, &input, style, device)?;
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
fn forward(model: &Model, input: &Tensor, style: &Style, device: &Device) -> Result<(Tensor, Duration)> {
    let start = Instant::now();
    let output = model.draw(input, style)?;
    device.synchronize()?;
    Ok((output, start.elapsed()))
}
