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

/// A piece of the work: what to draw, and what to keep of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Rows and columns of the picture that the network sees.
    pub source: (Range<usize>, Range<usize>),
    /// Rows and columns of the picture that come from this tile; within `source`.
    pub kept: (Range<usize>, Range<usize>),
}

impl Tile {
    /// Where what is kept lies in what the network sees.
    pub fn inner(&self) -> (Range<usize>, Range<usize>) {
        let within = |kept: &Range<usize>, source: &Range<usize>| kept.start - source.start..kept.end - source.start;
        (within(&self.kept.0, &self.source.0), within(&self.kept.1, &self.source.1))
    }
}

/// A tile is no longer than so many sides of the square that has its pixels.
const ELONGATION: usize = 4;

/// Tiles over a picture of `height`×`width`, in rows, one if it is small enough: the `kept` parts cover every pixel
/// once; the `source` parts reach `halo` further at least wherever there is more picture, and begin and end on multiples
/// of `multiple` (or at the picture's end).
///
/// All are of one size, but for what the last ones lack of a multiple, so that whoever draws them can keep its buffers,
/// and have at most the pixels of a square of `side`, which is larger where the halo would leave less than a
/// quarter of it. Of all such plans this is the one that draws the fewest pixels: what tiles share is drawn twice.
pub fn plan(height: usize, width: usize, side: usize, halo: usize, multiple: usize) -> Vec<Tile> {
    let multiple = multiple.max(1);
    let (rows, columns) = (height.div_ceil(multiple), width.div_ceil(multiple));
    // All that follows counts in multiples.
    let shared = (2 * halo).div_ceil(multiple);
    let side = side / multiple;
    let side = side.max(shared + (side / 4).max(1));
    let parted = |across: usize| {
        let columns = Parts::of(columns, across, shared);
        let longest = (side * side / columns.length).min(ELONGATION * side);
        let rows = Parts::no_longer(rows, longest, shared)?;
        (columns.length <= ELONGATION * side).then_some((rows, columns))
    };
    let drawn = |(rows, columns): &(Parts, Parts)| rows.drawn() * columns.drawn();
    let Some((rows, columns)) = (1..=columns).filter_map(parted).min_by_key(drawn) else { return Vec::new() };
    let columns = columns.spans(width, multiple);
    let tiles = rows.spans(height, multiple).into_iter().flat_map(|(row, kept_row)| {
        columns.iter().map(move |(column, kept_column)| Tile {
            source: (row.clone(), column.clone()),
            kept: (kept_row.clone(), kept_column.clone()),
        })
    });
    tiles.collect()
}

/// A side of the picture in overlapping parts of one length.
struct Parts {
    whole: usize,
    count: usize,
    length: usize,
}

impl Parts {
    /// So many, as short as they can be if two neighbours have `shared` in common.
    fn of(whole: usize, count: usize, shared: usize) -> Self {
        Self { whole, count, length: (whole + (count - 1) * shared).div_ceil(count) }
    }

    /// The fewest that are no longer than `length`; `None` where nothing of it would be a part's own.
    fn no_longer(whole: usize, length: usize, shared: usize) -> Option<Self> {
        if whole <= length {
            return Some(Self::of(whole, 1, shared));
        }
        let own = length.checked_sub(shared).filter(|own| *own > 0)?;
        Some(Self::of(whole, (whole - shared).div_ceil(own), shared))
    }

    fn drawn(&self) -> usize {
        self.count * self.length
    }

    /// The (source, kept) spans in pixels, of a side of `pixels`.
    fn spans(&self, pixels: usize, multiple: usize) -> Vec<(Range<usize>, Range<usize>)> {
        let start = |i: usize| i * (self.whole - self.length) / (self.count - 1).max(1) * multiple;
        let end = |i: usize| (start(i) + self.length * multiple).min(pixels);
        // Halfway through what part `i` shares with the one before.
        let edge = |i: usize| match i {
            0 => 0,
            i if i == self.count => pixels,
            i => (start(i) + start(i - 1) + self.length * multiple) / 2,
        };
        (0..self.count).map(|i| (start(i)..end(i), edge(i)..edge(i + 1))).collect()
    }
}
