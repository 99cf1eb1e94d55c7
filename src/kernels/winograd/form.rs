//! Winograd's F(2×2, r×r) for the windows of a convolution, as tables along one side.
//!
//! F(2, 2): the outputs `y₀ = d₀g₀ + d₁g₁` and `y₁ = d₁g₀ + d₂g₁` take three products, `(d₀ − d₁)g₀`, `d₁(g₀ + g₁)` and
//! `(d₁ − d₂)g₁`; `y₀` is the sum of the first two, `y₁` the second less the third. F(2, 3) has four: Lavin and Gray
//! 2016, §4.1.

use crate::kernels::geometry::Geometry;

/// Outputs of a tile along one side.
pub const TILE: usize = 2;
/// `first.1 · x[first.0] + second.1 · x[second.0]`: what a point is of the values of a tile.
pub type Pair = ((usize, f32), (usize, f32));

/// How windows become tiles.
#[derive(Clone, Copy)]
pub struct Form {
    /// Taps of a small window along one side.
    pub taps: usize,
    /// Pixels from one output to the next, and from one tap of a small window to the next.
    pub stride: usize,
    /// Where along a side the small windows begin whose sum is the whole window.
    pub starts: &'static [usize],
    /// The points of a tile's inputs.
    pub inputs: &'static [Pair],
    /// The points of a tile's outputs.
    pub outputs: &'static [Pair],
    /// The points of a small window's weights: how much each takes of every tap.
    weights: &'static [&'static [f32]],
}

const TWO_TAPS: Form = Form {
    taps: 2,
    stride: 1,
    starts: &[0, 2],
    inputs: &[((0, 1.0), (1, -1.0)), ((1, 1.0), (1, 0.0)), ((1, 1.0), (2, -1.0))],
    outputs: &[((0, 1.0), (1, 0.0)), ((0, 1.0), (1, 1.0)), ((0, 0.0), (1, -1.0))],
    weights: &[&[1.0, 0.0], &[1.0, 1.0], &[0.0, 1.0]],
};

const THREE_TAPS: Form = Form {
    taps: 3,
    stride: 1,
    starts: &[0],
    inputs: &[((0, 1.0), (2, -1.0)), ((1, 1.0), (2, 1.0)), ((1, -1.0), (2, 1.0)), ((1, 1.0), (3, -1.0))],
    outputs: &[((0, 1.0), (1, 0.0)), ((0, 1.0), (1, 1.0)), ((0, 1.0), (1, -1.0)), ((0, 0.0), (1, -1.0))],
    weights: &[&[1.0, 0.0, 0.0], &[0.5, 0.5, 0.5], &[0.5, -0.5, 0.5], &[0.0, 0.0, 1.0]],
};

impl Form {
    /// That of a geometry's windows, if they have one: with stride 1, a 4×4 window's quarters; with stride 2, its taps of
    /// each parity.
    pub fn of(g: &Geometry) -> Option<Self> {
        match (g.kernel, g.stride) {
            (3, 1) => Some(THREE_TAPS),
            (4, 1) => Some(TWO_TAPS),
            (4, 2) => Some(Self { stride: 2, starts: &[0, 1], ..TWO_TAPS }),
            _ => None,
        }
    }

    /// Points along one side.
    pub fn side(&self) -> usize {
        self.inputs.len()
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

    /// What the points of a small window's weights are made of: `(point, tap, times)`.
    pub fn lifts(&self) -> Vec<(usize, usize, f32)> {
        let mut lifts = Vec::new();
        for (point, tap) in (0..self.points()).flat_map(|i| (0..self.taps * self.taps).map(move |tap| (i, tap))) {
            let along = |point: usize, tap: usize| self.weights[point][tap];
            let times = along(point / self.side(), tap / self.taps) * along(point % self.side(), tap % self.taps);
            if times != 0.0 {
                lifts.push((point, tap, times));
            }
        }
        lifts
    }
}
