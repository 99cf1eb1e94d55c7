//! Large pictures in tiles, without seams.
//!
//! A network whose output pixel depends on the input within `reach` pixels
//! around it, and whose sampling repeats every `multiple` pixels, draws the
//! same pixel from a tile as from the whole picture, if the tile carries that
//! surrounding and starts on that grid. At the picture's own border a tile
//! ends with it, so that the network pads where it would have padded. This is
//! exact: nothing is blended. It doesn't hold for networks with statistics
//! over the whole picture (instance norms at inference).

use std::ops::Range;

use candle_core::{Result, Tensor};

/// A piece of the work: what to draw, and what to keep of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Rows and columns of the picture that the network sees.
    pub source: (Range<usize>, Range<usize>),
    /// Rows and columns of the picture that come from this tile; within `source`.
    pub kept: (Range<usize>, Range<usize>),
}

/// Tiles over a picture of `height`×`width`, in rows: the `kept` parts cover
/// every pixel once, with sides of `tile` (but for the last ones) rounded up
/// to `multiple`; the `source` parts reach `halo` further on every side where
/// there is more picture, and begin and end on multiples of `multiple` (or at
/// the picture's end).
pub fn plan(height: usize, width: usize, tile: usize, halo: usize, multiple: usize) -> Vec<Tile> {
    let rows = spans(height, tile, halo, multiple);
    let columns = spans(width, tile, halo, multiple);
    rows.iter()
        .flat_map(|row| {
            columns.iter().map(|column| Tile {
                source: (row.0.clone(), column.0.clone()),
                kept: (row.1.clone(), column.1.clone()),
            })
        })
        .collect()
}

/// The (source, kept) spans along one side.
fn spans(length: usize, tile: usize, halo: usize, multiple: usize) -> Vec<(Range<usize>, Range<usize>)> {
    let multiple = multiple.max(1);
    let step = tile.max(1).next_multiple_of(multiple);
    (0..length)
        .step_by(step)
        .map(|start| {
            let end = (start + step).min(length);
            let first = start.saturating_sub(halo) / multiple * multiple;
            let last = (end + halo).next_multiple_of(multiple).min(length);
            (first..last, start..end)
        })
        .collect()
}

/// Draws `photo` `(N, 3, H, W)` tile by tile with `draw`, which keeps heights
/// and widths: the same as `draw(photo)` for a network whose reach is at most
/// `halo`. The photo's sides must be multiples of `multiple` (see
/// [`pad::to_multiple`](super::pad::to_multiple)).
///
/// # Errors
/// If a side is not a multiple, or `draw` fails or changes a tile's size.
pub fn draw_tiled(
    photo: &Tensor,
    tile: usize,
    halo: usize,
    multiple: usize,
    mut draw: impl FnMut(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let (_, _, height, width) = photo.dims4()?;
    let multiple = multiple.max(1);
    if height % multiple != 0 || width % multiple != 0 {
        candle_core::bail!("{height}×{width} is not a multiple of {multiple}: pad it first");
    }
    let tiles = plan(height, width, tile, halo, multiple);
    let mut rows = Vec::new();
    for row in tiles.chunk_by(|a, b| a.kept.0 == b.kept.0) {
        let pieces = row.iter().map(|tile| draw_one(photo, tile, &mut draw)).collect::<Result<Vec<_>>>()?;
        rows.push(join(pieces, 3)?);
    }
    join(rows, 2)
}

fn draw_one(photo: &Tensor, tile: &Tile, draw: &mut impl FnMut(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let (rows, columns) = &tile.source;
    let source = photo.narrow(2, rows.start, rows.len())?.narrow(3, columns.start, columns.len())?.contiguous()?;
    let drawn = draw(&source)?;
    let (_, _, height, width) = drawn.dims4()?;
    if (height, width) != (rows.len(), columns.len()) {
        candle_core::bail!("a tile of {}×{} was drawn as {height}×{width}", rows.len(), columns.len());
    }
    let (kept_rows, kept_columns) = &tile.kept;
    drawn
        .narrow(2, kept_rows.start - rows.start, kept_rows.len())?
        .narrow(3, kept_columns.start - columns.start, kept_columns.len())?
        // A copy, so that the drawn halo is let go.
        .contiguous()
}

fn join(mut pieces: Vec<Tensor>, dim: usize) -> Result<Tensor> {
    match pieces.len() {
        1 => Ok(pieces.remove(0)),
        _ => Tensor::cat(&pieces, dim),
    }
}
