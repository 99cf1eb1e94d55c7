//! Pictures in and out: real files, every kind that we promise to read, and
//! what must be refused.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use sakuga::imaging::{DecodeError, Decoded, Format, Limits, Picture, decode};

fn file(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/pictures/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

fn read(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    decode(bytes, &Limits::default())
}

fn pixel(picture: &Picture, x: u32, y: u32) -> [u8; 3] {
    let at = (y * picture.width + x) as usize * 3;
    picture.rgb[at..at + 3].try_into().unwrap()
}

#[track_caller]
fn assert_near(actual: [u8; 3], expected: [u8; 3], tolerance: u8) {
    let near = actual
        .iter()
        .zip(expected)
        .all(|(a, e)| a.abs_diff(e) <= tolerance);
    assert!(near, "{actual:?} is not within {tolerance} of {expected:?}");
}

const RED: [u8; 3] = [200, 30, 30];
const GREEN: [u8; 3] = [30, 180, 60];
const BLUE: [u8; 3] = [40, 60, 200];

#[track_caller]
fn assert_patches(picture: &Picture, tolerance: u8) {
    assert_eq!((picture.width, picture.height), (32, 32));
    assert_near(pixel(picture, 8, 8), RED, tolerance);
    assert_near(pixel(picture, 24, 8), GREEN, tolerance);
    assert_near(pixel(picture, 8, 24), BLUE, tolerance);
    assert_near(pixel(picture, 24, 24), [255; 3], tolerance);
}

#[test]
fn jpeg_of_every_kind_is_read() {
    for name in ["cmyk.jpg", "ycck.jpg", "progressive.jpg", "rgb.jpg"] {
        let decoded = read(&file(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(decoded.format, Format::Jpeg);
        assert_patches(&decoded.picture, 4);
    }
}

#[test]
fn palette_bitmap_is_read() {
    let decoded = read(&file("palette.bmp")).unwrap();
    assert_eq!(decoded.format, Format::Bmp);
    assert_patches(&decoded.picture, 0);
}

#[test]
fn first_frame_of_the_animated_is_read() {
    let kinds = [
        ("animated.webp", Format::WebP),
        ("animated.png", Format::Png),
        ("animated.gif", Format::Gif),
        ("two.mpo", Format::Jpeg),
    ];
    for (name, format) in kinds {
        let decoded = read(&file(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(decoded.format, format);
        let picture = decoded.picture;
        assert_eq!((picture.width, picture.height), (24, 16), "{name}");
        assert!(picture.alpha.is_none(), "{name}");
        assert_near(pixel(&picture, 12, 8), RED, 2);
    }
}
