//! A picture's brightness.

use crate::imaging::Picture;

/// BT.709's weights of red, green and blue.
const LUMA: [f64; 3] = [0.2126, 0.7152, 0.0722];

/// `(H, W)` in 0..1. In f64: variances are small differences of large sums.
pub(super) struct Grey {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) values: Vec<f64>,
}

impl Grey {
    pub(super) fn of(picture: &Picture) -> Self {
        let luma = |pixel: &[u8]| {
            let [r, g, b] = LUMA;
            (r * f64::from(pixel[0]) + g * f64::from(pixel[1]) + b * f64::from(pixel[2])) / 255.0
        };
        let values = picture.rgb.chunks_exact(3).map(luma).collect();
        Self { width: picture.width as usize, height: picture.height as usize, values }
    }

    pub(super) fn rows(&self) -> std::slice::ChunksExact<'_, f64> {
        self.values.chunks_exact(self.width)
    }

    /// What `filter` makes of each pixel's 3×3 neighbourhood, row after row;
    /// the border is repeated outwards, as SciPy's `reflect` does it.
    pub(super) fn neighbourhoods<T>(&self, filter: impl Fn([[f64; 3]; 3]) -> T) -> Vec<T> {
        let row = |y: usize| &self.values[y * self.width..(y + 1) * self.width];
        let mut out = Vec::with_capacity(self.values.len());
        for y in 0..self.height {
            let rows = [row(y.saturating_sub(1)), row(y), row((y + 1).min(self.height - 1))];
            for x in 0..self.width {
                let columns = [x.saturating_sub(1), x, (x + 1).min(self.width - 1)];
                out.push(filter(rows.map(|row| columns.map(|x| row[x]))));
            }
        }
        out
    }
}
