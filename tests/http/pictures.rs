//! Photos drawn in code.

use image::{DynamicImage, ImageEncoder, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use std::io::Cursor;

/// Red grows to the right, green to the bottom.
pub fn gradient(width: u32, height: u32) -> RgbImage {
    let share = |at: u32, of: u32| (at * 200 / of.max(1)) as u8;
    RgbImage::from_fn(width, height, |x, y| Rgb([share(x, width), share(y, height), 90]))
}

pub fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

pub fn jpeg(width: u32, height: u32) -> Vec<u8> {
    encoded(gradient(width, height), ImageFormat::Jpeg)
}

pub fn png(width: u32, height: u32) -> Vec<u8> {
    encoded(gradient(width, height), ImageFormat::Png)
}

/// Opaque on the left, clear on the right.
pub fn png_with_alpha(width: u32, height: u32) -> Vec<u8> {
    let picture = RgbaImage::from_fn(width, height, |x, _| Rgba([10, 20, 30, if x < width / 2 { 255 } else { 0 }]));
    encoded(picture, ImageFormat::Png)
}

/// Noise that no format compresses: about three bytes a pixel.
pub fn noise(width: u32, height: u32) -> Vec<u8> {
    let mut state = 1u32;
    let picture = RgbImage::from_fn(width, height, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Rgb([(state >> 8) as u8, (state >> 16) as u8, (state >> 24) as u8])
    });
    encoded(picture, ImageFormat::Png)
}

/// A JPEG that says of itself: turn me a quarter to the right (EXIF 6).
pub fn jpeg_on_its_side(width: u32, height: u32) -> Vec<u8> {
    // TIFF, little endian, one entry: tag 0x0112, a short, one of it, 6.
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new(&mut bytes);
    encoder.set_exif_metadata(exif).unwrap();
    encoder.write_image(&gradient(width, height), width, height, image::ExtendedColorType::Rgb8).unwrap();
    bytes
}

/// A PNG of one pixel whose header says that it has these many.
pub fn png_that_claims(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = png(1, 1);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    bytes
}

/// The picture in an answer, and its format by its bytes.
pub fn decoded(bytes: &[u8]) -> (DynamicImage, ImageFormat) {
    (image::load_from_memory(bytes).unwrap(), image::guess_format(bytes).unwrap())
}
