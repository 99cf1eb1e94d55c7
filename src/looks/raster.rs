//! A picture of any pixel type in memory: rows from the top, pixels from the left.

use rayon::prelude::*;

/// Values in `0..=1` (or L\*a\*b\*), one per channel.
pub type Rgb = [f32; 3];

/// `width · height` pixels of type `T`, row after row.
#[derive(Clone, Debug, PartialEq)]
pub struct Raster<T> {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// The pixels, row after row.
    pub data: Vec<T>,
}

impl<T: Copy + Send + Sync> Raster<T> {
    /// Draws every pixel from its column and row, rows in parallel.
    pub fn draw(width: usize, height: usize, pixel: impl Fn(usize, usize) -> T + Sync) -> Self {
        Self::draw_rows(width, height, |y, row| row.extend((0..width).map(|x| pixel(x, y))))
    }

    /// Draws every row at once, rows in parallel: `fill(y, row)` pushes `width` pixels.
    pub fn draw_rows(width: usize, height: usize, fill: impl Fn(usize, &mut Vec<T>) + Sync) -> Self {
        let data = (0..height)
            .into_par_iter()
            .flat_map_iter(|y| {
                let mut row = Vec::with_capacity(width);
                fill(y, &mut row);
                row
            })
            .collect();
        Self { width, height, data }
    }

    /// A new raster of the same size, each pixel from this one's.
    pub fn map<U: Send>(&self, f: impl Fn(T) -> U + Sync + Send) -> Raster<U> {
        let data = self.data.par_iter().with_min_len(4096).map(|&p| f(p)).collect();
        Raster { width: self.width, height: self.height, data }
    }

    /// A new raster, each pixel from this one's and `other`'s (of the same size).
    pub fn zip<U, V>(&self, other: &Raster<U>, f: impl Fn(T, U) -> V + Sync + Send) -> Raster<V>
    where
        U: Copy + Send + Sync,
        V: Send,
    {
        debug_assert_eq!((self.width, self.height), (other.width, other.height));
        let pairs = self.data.par_iter().with_min_len(4096).zip(&other.data);
        Raster { width: self.width, height: self.height, data: pairs.map(|(&a, &b)| f(a, b)).collect() }
    }

    /// The pixel at column `x`, row `y`.
    pub fn at(&self, x: usize, y: usize) -> T {
        self.data[y * self.width + x]
    }

    /// Row `y`.
    pub fn row(&self, y: usize) -> &[T] {
        &self.data[y * self.width..][..self.width]
    }

    /// `margin` more pixels on every side, mirrored with the edge pixel repeated (`cba|abc`).
    pub fn padded(&self, margin: usize) -> Self {
        let m = margin as isize;
        let columns: Vec<usize> = (-m..self.width as isize + m).map(|x| mirror(x, self.width)).collect();
        Self::draw_rows(self.width + 2 * margin, self.height + 2 * margin, |y, out| {
            let row = self.row(mirror(y as isize - m, self.height));
            out.extend(columns.iter().map(|&x| row[x]));
        })
    }
}

/// The pixel that stands for index `i` of `n`, mirrored with the edge repeated (`cba|abc|cba`).
pub fn mirror(i: isize, n: usize) -> usize {
    let i = i.rem_euclid(2 * n as isize) as usize;
    if i < n { i } else { 2 * n - 1 - i }
}

/// The pixel that stands for index `i` of `n`, mirrored about the edge pixel (`dcb|abcd|cba`).
pub fn mirror_101(i: isize, n: usize) -> usize {
    if n == 1 {
        return 0;
    }
    let i = i.rem_euclid(2 * n as isize - 2) as usize;
    if i < n { i } else { 2 * n - 2 - i }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_fold_as_often_as_needed() {
        let read = |mirror: fn(isize, usize) -> usize, n| (-5..8).map(|i| mirror(i, n)).collect::<Vec<_>>();
        assert_eq!(read(mirror, 3), [1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]);
        assert_eq!(read(mirror_101, 3), [1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1]);
        assert_eq!(read(mirror, 1), [0; 13]);
        assert_eq!(read(mirror_101, 1), [0; 13]);
    }

    #[test]
    fn padding_mirrors_rows_and_columns() {
        let padded = Raster::draw(2, 2, |x, y| 10 * y + x).padded(1);
        assert_eq!((padded.width, padded.height), (4, 4));
        assert_eq!(padded.data, [0, 0, 1, 1, 0, 0, 1, 1, 10, 10, 11, 11, 10, 10, 11, 11]);
    }
}
