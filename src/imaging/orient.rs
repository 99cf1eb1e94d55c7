//! EXIF orientation: turning and mirroring pixels.

use image::metadata::Orientation;

use super::Picture;

/// `picture` the way its camera saw it.
pub(super) fn upright(picture: Picture, orientation: Orientation) -> Picture {
    if orientation == Orientation::NoTransforms {
        return picture;
    }
    let (w, h) = (picture.width as isize, picture.height as isize);
    let last = w * h - 1;
    // Every orientation is a walk over the source: where it starts, and the
    // steps (in pixels) to the next column and to the next row of the result.
    let (start, column, row) = match orientation {
        Orientation::NoTransforms => (0, 1, w),
        Orientation::FlipHorizontal => (w - 1, -1, w),
        Orientation::Rotate180 => (last, -1, -w),
        Orientation::FlipVertical => (last - w + 1, 1, -w),
        Orientation::Rotate90FlipH => (0, w, 1),
        Orientation::Rotate90 => (last - w + 1, -w, 1),
        Orientation::Rotate270FlipH => (last, -w, -1),
        Orientation::Rotate270 => (w - 1, w, -1),
    };
    let (width, height) = if row.abs() == 1 && column.abs() == w {
        (picture.height, picture.width)
    } else {
        (picture.width, picture.height)
    };
    let walk = Walk { start, column, row, width, height };
    Picture {
        width,
        height,
        rgb: walk.collect::<3>(&picture.rgb),
        alpha: picture.alpha.map(|alpha| walk.collect::<1>(&alpha)),
    }
}

struct Walk {
    start: isize,
    column: isize,
    row: isize,
    /// Of the result.
    width: u32,
    height: u32,
}

impl Walk {
    fn collect<const CHANNELS: usize>(&self, source: &[u8]) -> Vec<u8> {
        let mut result = Vec::with_capacity(source.len());
        for y in 0..self.height as isize {
            let mut at = self.start + y * self.row;
            for _ in 0..self.width {
                let pixel = at as usize * CHANNELS;
                result.extend_from_slice(&source[pixel..pixel + CHANNELS]);
                at += self.column;
            }
        }
        result
    }
}
