//! Pictures at other sizes.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::Picture;

/// `picture` with its longest side at most `max_side`: larger ones are shrunk,
/// smaller ones left as they are, and no side falls under 1.
pub fn fit(picture: &Picture, max_side: u32) -> Picture {
    let (width, height) = fitted(picture.width, picture.height, max_side);
    to(picture, width, height)
}

/// The size that [`fit`] gives a picture of `width`×`height`.
pub fn fitted(width: u32, height: u32, max_side: u32) -> (u32, u32) {
    let longest = width.max(height);
    let max_side = max_side.max(1);
    if longest <= max_side {
        return (width, height);
    }
    let scaled = |side: u32| {
        let side = u64::from(side) * u64::from(max_side);
        let rounded = (side + u64::from(longest) / 2) / u64::from(longest);
        rounded.max(1) as u32
    };
    (scaled(width), scaled(height))
}

/// `picture` at `width`×`height` (sides of 0 are taken as 1).
///
/// Lanczos-3 where it shrinks, Catmull-Rom, which rings less around drawn
/// lines, where it grows. With alpha, colours are weighted by it, so that what
/// lies hidden under transparent pixels bleeds into no edge; where the result
/// is fully transparent, the hidden colours are resized too.
pub fn to(picture: &Picture, width: u32, height: u32) -> Picture {
    let (width, height) = (width.max(1), height.max(1));
    if (width, height) == (picture.width, picture.height) {
        return picture.clone();
    }
    convolve(picture, (picture.width.into(), picture.height.into()), (width, height))
}

/// The upper left of `picture`, so many pixels and parts of pixels across and down, at `width`×`height`.
pub(super) fn part(picture: Picture, part: (f64, f64), width: u32, height: u32) -> Picture {
    if part == (width.into(), height.into()) && (width, height) == (picture.width, picture.height) {
        return picture;
    }
    convolve(&picture, part, (width, height))
}

fn convolve(picture: &Picture, part: (f64, f64), (width, height): (u32, u32)) -> Picture {
    let shrinks = u64::from(width) * u64::from(height) < u64::from(picture.width) * u64::from(picture.height);
    let filter = if shrinks { FilterType::Lanczos3 } else { FilterType::CatmullRom };
    let scale = |samples: &[u8], kind: PixelType| {
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter)).crop(0.0, 0.0, part.0, part.1);
        let mut resized = Image::new(width, height, kind);
        // `kind` fits the samples, the part lies in the picture and both images are of one kind: nothing to fail.
        let done = ImageRef::new(picture.width, picture.height, samples, kind)
            .map_err(|e| e.to_string())
            .and_then(|source| Resizer::new().resize(&source, &mut resized, &options).map_err(|e| e.to_string()));
        debug_assert_eq!(done, Ok(()));
        resized.into_vec()
    };
    let mut rgb = scale(&picture.rgb, PixelType::U8x3);
    let alpha = picture.alpha.as_ref().map(|_| {
        let weighted = scale(&widen(&picture.rgba()), PixelType::U16x4);
        let mut alpha = Vec::with_capacity(rgb.len() / 3);
        for (rgb, rgba) in rgb.chunks_exact_mut(3).zip(weighted.chunks_exact(8)) {
            let channel = |i: usize| {
                let v = u32::from(u16::from_ne_bytes([rgba[2 * i], rgba[2 * i + 1]]));
                ((v + 128) / 257) as u8
            };
            let a = channel(3);
            if a > 0 {
                rgb.copy_from_slice(&[channel(0), channel(1), channel(2)]);
            }
            alpha.push(a);
        }
        alpha
    });
    Picture { width, height, rgb, alpha }
}

/// 8-bit samples as 16-bit ones: weighting by a small alpha in 8 bits would
/// leave few colours.
fn widen(samples: &[u8]) -> Vec<u8> {
    samples.iter().flat_map(|&v| [v, v]).collect()
}
