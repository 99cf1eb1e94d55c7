//! Which pixels of a batch a layout for tiles holds, and where.
//!
//! A row of a layout is as long as tiles like it: narrow pictures lie side by side in one. A strided convolution reads
//! every so many columns; so each row is kept in as many parts, one a remainder of the column, in which what it reads
//! lies side by side. And where there are few channels, each column of a window is a channel of its own, so that a
//! product has more to sum up.

use crate::kernels::amx::{CHUNK, TILE};
use crate::kernels::geometry::Geometry;
use std::ops::Range;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Pictures, channels, height and width of what is laid out.
    pub of: (usize, usize, usize, usize),
    /// The first row and column that are held; what lies outside of the picture is zero.
    pub origin: (isize, isize),
    /// Rows of a picture that are held.
    pub rows: usize,
    /// Columns of a picture's outputs, and how many more the last of them sees.
    pub width: usize,
    pub reach: usize,
    /// Columns of the picture from one that is held to the next.
    pub step: usize,
    /// Parts of a row.
    pub parts: usize,
    /// Columns of a window that are channels of their own; 1: they are not.
    pub lanes: usize,
    /// Pictures that lie side by side.
    pub beside: usize,
}

/// One tap of a window: where it is in the layout, from an output pixel's own place on, and in the weights.
#[derive(Clone, Copy, Debug)]
pub struct Tap {
    pub row: usize,
    pub part: usize,
    pub column: usize,
    pub weight: usize,
}

/// A picture's own of some columns side by side.
pub struct Piece {
    pub picture: usize,
    /// Its first output column.
    pub first: usize,
    /// Where its columns are among those.
    pub range: Range<usize>,
}

impl Window {
    /// What all windows of a convolution see of its input, with as many pictures side by side as make the fewest groups
    /// of `unit` columns.
    pub fn seen(g: &Geometry, unit: usize) -> Self {
        let padding = -(g.padding as isize);
        let lanes = if g.in_channels * g.kernel <= CHUNK { g.kernel } else { 1 };
        let parts = if lanes == 1 { g.stride } else { 1 };
        Self {
            of: (g.batch, g.in_channels, g.input.0, g.input.1),
            origin: (padding, padding),
            rows: (g.output.0 - 1) * g.stride + g.kernel,
            width: g.output.1,
            reach: (g.kernel - lanes) / g.stride,
            step: g.stride,
            parts,
            lanes,
            beside: 1,
        }
        .side_by_side(unit)
    }

    /// The same with the best number of pictures side by side.
    pub fn side_by_side(self, unit: usize) -> Self {
        /// Columns that are enough: more would not fill tiles better, and be fewer tasks.
        const ENOUGH: usize = 8 * TILE;
        let most = (ENOUGH / self.period()).clamp(1, self.of.0);
        let with = |beside| Self { beside, ..self };
        let units = |window: &Self| window.groups() * window.span().div_ceil(unit);
        (1..=most).map(with).min_by_key(units).unwrap_or(self)
    }

    /// The taps of a convolution's windows, as [`Window::seen`] lays them.
    pub fn taps(&self, g: &Geometry) -> Vec<Tap> {
        let columns = g.kernel / self.lanes;
        let tap = |i: usize| {
            let (row, column) = (i / columns, i % columns);
            Tap { row, part: column % self.parts, column: column / self.parts, weight: i }
        };
        (0..g.kernel * columns).map(tap).collect()
    }

    /// Columns from a picture to the one beside it.
    fn period(&self) -> usize {
        self.width + self.reach
    }

    /// Output columns of pictures side by side, those between them included.
    pub fn span(&self) -> usize {
        self.beside * self.period() - self.reach
    }

    /// Columns of each part that are held, so that tiles from any multiple of theirs on may be read.
    pub fn columns(&self) -> usize {
        odd_multiple(self.span().next_multiple_of(2 * TILE) + self.reach, TILE)
    }

    /// Groups of pictures side by side.
    pub fn groups(&self) -> usize {
        self.of.0.div_ceil(self.beside)
    }

    /// Channels of the layout.
    pub fn channels(&self) -> usize {
        self.of.1 * self.lanes
    }

    /// The row of the picture under a row, if it has one.
    pub fn row(&self, row: usize) -> Option<usize> {
        let row = row as isize + self.origin.0;
        usize::try_from(row).ok().filter(|row| *row < self.of.2)
    }

    /// The columns of a part that the picture has in a lane, from its own first one on, and the place of the first there.
    pub fn inside(&self, part: usize, lane: usize) -> (Range<usize>, usize) {
        let (step, width) = (self.step as isize, self.of.3 as isize);
        let offset = (part + lane) as isize + self.origin.1;
        let first = (-offset).max(0).unsigned_abs().div_ceil(self.step).min(self.period());
        let end = (width - offset).max(0).unsigned_abs().div_ceil(self.step).clamp(first, self.period());
        (first..end, (first as isize * step + offset).clamp(0, width) as usize)
    }

    /// The pictures of a group and the first column of each.
    pub fn slots(&self, group: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let first = group * self.beside;
        let (period, count) = (self.period(), (self.of.0 - first).min(self.beside));
        (0..count).map(move |slot| (first + slot, slot * period))
    }

    /// Whose outputs are in the columns of two tiles from `column` on.
    pub fn pieces(&self, group: usize, column: usize) -> impl Iterator<Item = Piece> + use<> {
        let width = self.width;
        self.slots(group).filter_map(move |(picture, start)| {
            let (first, end) = (start.max(column), (start + width).min(column + 2 * TILE));
            (first < end).then(|| Piece { picture, first: first - start, range: first - column..end - column })
        })
    }
}

/// `columns`, made a multiple of `of` values that is no multiple of 2·`of`: rows so far apart fall on all lines of the
/// L1 cache.
fn odd_multiple(columns: usize, of: usize) -> usize {
    (columns.div_ceil(of) | 1) * of
}
