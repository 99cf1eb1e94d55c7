//! Several pictures on one sheet.

use super::Picture;

/// Pixels between the cells and around them.
const GAP: usize = 8;

/// The pictures in rows of `columns`, on white, in cells as large as the
/// largest of them. `None` without a picture.
pub fn grid(pictures: &[Picture], columns: usize) -> Option<Picture> {
    let cell_width = pictures.iter().map(|picture| picture.width as usize).max()?;
    let cell_height = pictures.iter().map(|picture| picture.height as usize).max()?;
    let columns = columns.clamp(1, pictures.len());
    let rows = pictures.len().div_ceil(columns);
    let width = GAP + columns * (cell_width + GAP);
    let height = GAP + rows * (cell_height + GAP);
    let mut rgb = vec![255; width * height * 3];
    for (place, picture) in pictures.iter().enumerate() {
        let left = GAP + place % columns * (cell_width + GAP);
        let top = GAP + place / columns * (cell_height + GAP);
        for (row, line) in picture.on_white().chunks_exact(picture.width as usize * 3).enumerate() {
            let start = ((top + row) * width + left) * 3;
            rgb[start..start + line.len()].copy_from_slice(line);
        }
    }
    Some(Picture { width: width as u32, height: height as u32, rgb, alpha: None })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_picture_is_in_its_cell() {
        let plain =
            |value: u8, width: u32| Picture { width, height: 2, rgb: vec![value; width as usize * 6], alpha: None };
        let sheet = grid(&[plain(1, 3), plain(2, 3), plain(3, 1)], 2).unwrap();
        assert_eq!((sheet.width, sheet.height), (8 + 2 * 11, 8 + 2 * 10));
        let at = |x: usize, y: usize| sheet.rgb[(y * sheet.width as usize + x) * 3];
        assert_eq!([at(8, 8), at(10, 9), at(19, 8), at(8, 18), at(9, 18), at(0, 0)], [1, 1, 2, 3, 255, 255]);
        assert_eq!(sheet.rgb.iter().filter(|value| **value != 255).count(), 3 * (6 + 6 + 2));
        assert!(grid(&[], 1).is_none());
    }
}
