//! By the pixels as they are: on the CPU. The network reads each tile where it lies in the photo, and draws what is kept
//! of it where it belongs.

use std::ops::Range;
use std::time::{Duration, Instant};

use candle_core::Result;

use crate::engine::watchdog::Beat;
use crate::imaging::tile::Tile;
use crate::imaging::{Picture, channels};
use crate::models::{Area, Model, Style, View};

/// Pictures of `photos`, all of one size, and the time that it took.
///
/// # Errors
/// When a photo has other pixels than its size says.
pub(super) fn draw(
    model: &Model,
    photos: &[&Picture],
    style: &Style,
    tiles: &[Tile],
    beat: &Beat,
) -> Result<(Vec<Picture>, Duration)> {
    let Some(&&Picture { width, height, .. }) = photos.first() else { return Ok(Default::default()) };
    let (inputs, outputs) = model.card().architecture.channels();
    let photos = photos.iter().map(|photo| channels::of(photo, inputs)).collect::<Result<Vec<_>>>()?;
    let photos: Vec<&[u8]> = photos.iter().map(|photo| &**photo).collect();
    let size = (height as usize, width as usize);
    let mut drawings = vec![vec![0; size.0 * size.1 * outputs]; photos.len()];
    let mut drawn: Vec<&mut [u8]> = drawings.iter_mut().map(Vec::as_mut_slice).collect();
    let start = Instant::now();
    for tile in tiles {
        let _pass = beat.pass();
        let area = |(rows, columns): (Range<usize>, Range<usize>)| Area { rows, columns };
        let Tile { source, kept } = tile.clone();
        let view = View { size, source: area(source), kept: area(kept), multiple: model.card().size_multiple };
        model.draw_pixels(&photos, &mut drawn, &view, style)?;
    }
    let took = start.elapsed();
    let picture = |pixels| channels::picture((width, height), outputs, pixels);
    Ok((drawings.into_iter().map(picture).collect::<Result<_>>()?, took))
}
