//! Pictures in and out: real files, every kind that we promise to read, and
//! what must be refused.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod kinds;
mod metadata;
mod refused;
mod sizes;
mod tensors;
mod upscales;
mod written;

use image::{ColorType, ExtendedColorType, ImageEncoder};
use sakuga::imaging::{DecodeError, Decoded, Format, Limits, Picture, decode, decode_fitted};

/// A file of `tests/pictures`.
fn file(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/pictures/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

fn read(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    decode(bytes, &Limits::default())
}

/// So small that a JPEG is read straight from its coefficients.
fn read_small(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    decode_fitted(bytes, &Limits::default(), Some(5))
}

fn pixel(picture: &Picture, x: u32, y: u32) -> [u8; 3] {
    let at = (y * picture.width + x) as usize * 3;
    picture.rgb[at..at + 3].try_into().unwrap()
}

#[track_caller]
fn assert_near(actual: [u8; 3], expected: [u8; 3], tolerance: u8) {
    let mut pairs = actual.iter().zip(expected);
    let near = pairs.all(|(a, e)| a.abs_diff(e) <= tolerance);
    assert!(near, "{actual:?} is not within {tolerance} of {expected:?}");
}

/// The patches that `tests/pictures/make.py` draws.
const RED: [u8; 3] = [200, 30, 30];
const GREEN: [u8; 3] = [30, 180, 60];
const BLUE: [u8; 3] = [40, 60, 200];
const WHITE: [u8; 3] = [255; 3];

/// Patches of 16 pixels, RED GREEN over BLUE WHITE, in a picture 48×32: the
/// third column is grey.
fn patches() -> Picture {
    let columns = [[RED, GREEN, [128; 3]], [BLUE, WHITE, [128; 3]]];
    let mut rgb = Vec::new();
    for y in 0..32 {
        for x in 0..48 {
            rgb.extend_from_slice(&columns[y / 16][x / 16]);
        }
    }
    Picture { width: 48, height: 32, rgb, alpha: None }
}

/// A picture of noise that is the same every time.
fn noise(width: u32, height: u32, alpha: bool) -> Picture {
    let mut state = 0x2545_F491_u32;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 24) as u8
    };
    let pixels = (width * height) as usize;
    let rgb = (0..3 * pixels).map(|_| byte()).collect();
    let alpha = alpha.then(|| (0..pixels).map(|_| byte()).collect());
    Picture { width, height, rgb, alpha }
}

/// `picture` by image's own encoders, of every format that we read, exact but
/// for JPEG.
fn written_by_image(picture: &Picture, format: Format) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (w, h) = (picture.width, picture.height);
    let rgb = ExtendedColorType::from(ColorType::Rgb8);
    match format {
        Format::Jpeg => {
            image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 95).write_image(&picture.rgb, w, h, rgb)
        }
        Format::Png => image::codecs::png::PngEncoder::new(&mut bytes).write_image(&picture.rgb, w, h, rgb),
        Format::WebP => image::codecs::webp::WebPEncoder::new_lossless(&mut bytes).write_image(&picture.rgb, w, h, rgb),
        Format::Gif => image::codecs::gif::GifEncoder::new(&mut bytes).encode(&picture.rgb, w, h, rgb),
        Format::Bmp => image::codecs::bmp::BmpEncoder::new(&mut bytes).write_image(&picture.rgb, w, h, rgb),
    }
    .unwrap();
    bytes
}

const FORMATS: [Format; 5] = [Format::Jpeg, Format::Png, Format::WebP, Format::Gif, Format::Bmp];
