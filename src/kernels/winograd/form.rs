//! Which windows take fewer products, in which tiles.

use super::side;
use crate::kernels::geometry::Geometry;

/// Tiles of four of a batch from which on they pay, and the most weights at their points: they are written and read for
/// each product.
const TILES: usize = 256;
const WEIGHTS: usize = 4 << 20;

/// How windows become tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Taps of a small window along one side: 2 or 3.
    pub taps: usize,
    /// Outputs of a tile along one side: 2 or 4.
    pub tile: usize,
    /// Pixels from one output to the next, and from one tap of a small window to the next.
    pub stride: usize,
    /// Where along a side the small windows begin whose sum is the whole window.
    pub starts: &'static [usize],
}

impl Form {
    /// That of a geometry's windows, if they have one: with stride 1, a 4×4 window's quarters; with stride 2, its taps of
    /// each parity.
    pub fn of(g: &Geometry) -> Option<Self> {
        let (taps, starts): (_, &[usize]) = match (g.kernel, g.stride) {
            (3, 1) => (3, &[0]),
            (4, 1) => (2, &[0, 2]),
            (4, 2) => (2, &[0, 1]),
            _ => return None,
        };
        let tiles = g.batch * g.output.0.div_ceil(4) * g.output.1.div_ceil(4);
        let weights = g.in_channels * g.out_channels * (starts.len() * (4 + taps - 1)).pow(2);
        let tile = if tiles >= TILES && weights <= WEIGHTS { 4 } else { 2 };
        Some(Self { taps, tile, stride: g.stride, starts })
    }

    /// Points along one side.
    pub fn side(&self) -> usize {
        self.tile + self.taps - 1
    }

    /// Points of a tile.
    pub fn points(&self) -> usize {
        self.side() * self.side()
    }

    /// Small windows.
    pub fn windows(&self) -> usize {
        self.starts.len() * self.starts.len()
    }

    /// Where the taps of each small window, row by row, lie in the whole one, whose side is `kernel`.
    pub fn places(&self, kernel: usize) -> Vec<Vec<usize>> {
        let of_window = |(top, left): (usize, usize)| {
            let taps = (0..self.taps * self.taps).map(|tap| (tap / self.taps, tap % self.taps));
            taps.map(|(y, x)| (top + y * self.stride) * kernel + left + x * self.stride).collect()
        };
        self.starts.iter().flat_map(|&top| self.starts.iter().map(move |&left| (top, left))).map(of_window).collect()
    }

    /// What the points of a small window's weights are made of: how much each takes of every tap, `(points, taps)`.
    pub fn lifts(&self) -> Vec<Vec<f32>> {
        let along = side::weights(self.taps, self.tile);
        let pairs = |len: usize| (0..len * len).map(move |i| (i / len, i % len));
        let of_point = |(y, x): (usize, usize)| {
            pairs(self.taps).map(|(row, column)| (along[y][row] * along[x][column]) as f32).collect()
        };
        pairs(self.side()).map(of_point).collect()
    }
}
