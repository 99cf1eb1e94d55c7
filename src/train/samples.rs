//! Pictures to look at while a run goes on.

use crate::imaging::{Picture, resize};

/// Longest side of a picture in the grid; larger ones are shrunk.
const CELL: u32 = 512;
/// White between the pictures.
const GAP: usize = 4;

/// The rows photo | drawn | target in one picture: columns as wide as the widest cell, rows as high as
/// their own, cells at the top left.
pub fn grid(rows: &[[Picture; 3]]) -> Picture {
    let rows: Vec<_> = rows.iter().map(|row| row.each_ref().map(|picture| resize::fit(picture, CELL))).collect();
    let column = rows.iter().flatten().map(|cell| cell.width).max().unwrap_or(1) as usize;
    let heights: Vec<_> =
        rows.iter().map(|row| row.iter().map(|cell| cell.height).max().unwrap_or(1) as usize).collect();
    let width = 3 * column + 2 * GAP;
    let height = (heights.iter().sum::<usize>() + GAP * rows.len().saturating_sub(1)).max(1);
    let mut rgb = vec![255; 3 * width * height];
    let mut top = 0;
    for (row, height) in rows.iter().zip(heights) {
        for (k, cell) in row.iter().enumerate() {
            for (y, line) in cell.rgb.chunks_exact(3 * cell.width as usize).enumerate() {
                let at = 3 * ((top + y) * width + k * (column + GAP));
                rgb[at..at + line.len()].copy_from_slice(line);
            }
        }
        top += height + GAP;
    }
    Picture { width: width as u32, height: height as u32, rgb, alpha: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(width: u32, height: u32, value: u8) -> Picture {
        Picture { width, height, rgb: vec![value; (3 * width * height) as usize], alpha: None }
    }

    #[test]
    fn every_cell_is_in_its_place() {
        let row = |side: u32, k: u8| [plain(side, 20, k), plain(side, 20, k + 1), plain(side, 20, k + 2)];
        let grid = grid(&[row(10, 10), row(30, 20)]);
        assert_eq!((grid.width, grid.height), (98, 44));
        let at = |x: usize, y: usize| grid.rgb[3 * (y * 98 + x)];
        assert_eq!([at(0, 0), at(34, 19), at(68, 0)], [10, 11, 12]);
        assert_eq!([at(29, 24), at(63, 43), at(97, 43)], [20, 21, 22]);
        assert_eq!([at(10, 0), at(30, 30), at(0, 21)], [255; 3], "white beside, between and below");
    }

    #[test]
    fn large_pictures_are_shrunk() {
        let cell = || plain(1024, 600, 7);
        let grid = grid(&[[cell(), cell(), cell()]]);
        assert_eq!((grid.width, grid.height), (3 * 512 + 8, 300));
    }
}
