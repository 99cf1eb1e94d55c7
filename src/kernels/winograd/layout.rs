//! Where pixels, lines and points lie.

use super::form::Form;
use crate::kernels::plan::{LANES, VECTORS};

/// Tiles side by side in a panel of points.
pub const COLUMNS: usize = VECTORS * LANES;

/// Where a channel's points of some tile rows lie in a slice: that of tile `t` for point `p` at `p · point`, the panel of
/// slot `slot + t`, and the slot in it. Tiles from one row to the next follow each other; slots that are left up to
/// whole vectors are zero.
#[derive(Clone, Copy)]
pub struct Place {
    pub point: usize,
    pub panel: usize,
    /// A multiple of a vector's width.
    pub slot: usize,
}

impl Place {
    #[inline(always)]
    pub(super) fn at(self, point: usize, tile: usize) -> usize {
        let slot = self.slot + tile;
        point * self.point + slot / COLUMNS * self.panel + slot % COLUMNS
    }
}

/// Planes of inputs under the tiles of outputs.
#[derive(Clone, Copy)]
pub struct Inputs {
    pub form: Form,
    pub height: usize,
    pub width: usize,
    pub padding: usize,
    /// Tiles side by side.
    pub columns: usize,
}

impl Inputs {
    /// The row of pixels that is line `line` of the windows from `top` on, if it lies inside; tiles begin with row `tile`.
    pub(super) fn row(&self, tile: usize, line: usize, top: usize) -> Option<usize> {
        let row = (self.form.stride * (self.form.tile * tile + line) + top).checked_sub(self.padding)?;
        Some(row).filter(|row| *row < self.height)
    }

    /// Pixels from a tile to the next: a line falls apart into as many parts, each of every so many pixels.
    pub(super) fn step(&self) -> usize {
        self.form.tile * self.form.stride
    }

    /// Where among the parts of a line tap `tap` of the windows from `left` on begins.
    #[inline(always)]
    pub(super) fn part(&self, left: usize, tap: usize) -> usize {
        let at = self.form.stride * tap + left;
        at % self.step() * self.pitch() + at / self.step()
    }

    /// Values of a part, whole vectors: the tiles', those that windows reach beyond, and a vector's.
    pub(super) fn pitch(&self) -> usize {
        (self.columns + 2).next_multiple_of(LANES) + LANES
    }

    /// Values of a line of pixels, the padding too.
    pub(super) fn wide(&self) -> usize {
        self.step() * self.pitch()
    }

    /// Pixels of a row that any window sees.
    pub(super) fn seen(&self) -> usize {
        self.width.min((self.step() * (self.columns + 2)).saturating_sub(self.padding))
    }

    /// Lines of pixels under `rows` rows of tiles.
    pub(super) fn lines(&self, rows: usize) -> usize {
        self.form.tile * rows + self.form.side() - self.form.tile
    }

    /// Where a line's points of one kind lie, under `rows` rows of tiles: those of every so many lines one after
    /// another, so that what tiles take from theirs is one run.
    #[inline(always)]
    pub(super) fn place(&self, rows: usize, kind: usize, line: usize) -> usize {
        let tile = self.form.tile;
        (kind * tile + line % tile) * self.run(rows) + line / tile * self.columns
    }

    /// Values from a run to the next.
    pub(super) fn run(&self, rows: usize) -> usize {
        (rows + 1) * self.columns + LANES
    }

    /// Values of all of them.
    pub(super) fn points(&self, rows: usize) -> usize {
        self.place(rows, self.form.starts.len() * self.form.side(), 0)
    }
}

/// Planes of outputs, and their tiles.
#[derive(Clone, Copy)]
pub struct Outputs {
    pub form: Form,
    pub width: usize,
    /// Tiles side by side.
    pub columns: usize,
}

impl Outputs {
    pub(super) fn pitch(&self) -> usize {
        self.columns.next_multiple_of(LANES)
    }

    /// Where the points `x` of line `line` lie, under `rows` rows of tiles; see [`Inputs::place`].
    #[inline(always)]
    pub(super) fn place(&self, rows: usize, x: usize, line: usize) -> usize {
        let tile = self.form.tile;
        (x * tile + line % tile) * (rows * self.columns + LANES) + line / tile * self.columns
    }
}
