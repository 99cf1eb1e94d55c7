//! A part of a picture.

use std::ops::Range;

/// Some rows and columns of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Area {
    /// From the first row to the last.
    pub rows: Range<usize>,
    /// From the first column to the last.
    pub columns: Range<usize>,
}

impl Area {
    /// All of a picture.
    pub fn whole(height: usize, width: usize) -> Self {
        Self { rows: 0..height, columns: 0..width }
    }

    /// Whether all of `other` lies in it.
    pub fn has(&self, other: &Self) -> bool {
        let has = |a: &Range<usize>, b: &Range<usize>| a.start <= b.start && b.end <= a.end;
        has(&self.rows, &other.rows) && has(&self.columns, &other.columns)
    }

    /// The smallest area that has both.
    pub fn with(&self, other: &Self) -> Self {
        let both = |a: &Range<usize>, b: &Range<usize>| a.start.min(b.start)..a.end.max(b.end);
        Self { rows: both(&self.rows, &other.rows), columns: both(&self.columns, &other.columns) }
    }

    /// The same of a picture of a `by`th of the sides: all pixels that have a part of it.
    pub fn reduced(&self, by: usize) -> Self {
        let reduced = |range: &Range<usize>| range.start / by..range.end.div_ceil(by);
        Self { rows: reduced(&self.rows), columns: reduced(&self.columns) }
    }

    /// The same of a picture of `by` times the sides.
    pub fn enlarged(&self, by: usize) -> Self {
        let enlarged = |range: &Range<usize>| range.start * by..range.end * by;
        Self { rows: enlarged(&self.rows), columns: enlarged(&self.columns) }
    }
}
