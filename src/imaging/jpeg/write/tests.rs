//! What is written, read by zune-jpeg; beside what jpeg-encoder writes.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::imaging::jpeg::markers::walk;
use crate::imaging::{Limits, decode};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use proptest::prelude::*;

fn noise(width: usize, height: usize) -> Vec<u8> {
    (0..3 * width * height).map(|i| ((i as u32).wrapping_mul(2_654_435_761) >> (24 + i % 3)) as u8).collect()
}

/// Slopes and edges, as drawings have them.
fn shapes(width: usize, height: usize) -> Vec<u8> {
    let pixel = |i: usize| {
        let (x, y) = (i % width, i / width);
        let edge = if (x / 13 + y / 9) % 3 == 0 { 60 } else { 0 };
        [(x * 2 % 200 + edge) as u8, (y * 3 % 180 + edge) as u8, ((x + y) % 190 + edge) as u8]
    };
    (0..width * height).flat_map(pixel).collect()
}

fn pixels(bytes: &[u8]) -> (u32, u32, Vec<u8>) {
    let picture = decode(bytes, &Limits::default()).unwrap().picture;
    (picture.width, picture.height, picture.rgb)
}

fn theirs(rgb: &[u8], (width, height): (usize, usize), quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    let whole = Blocks::of(quality).side == 8;
    encoder.set_sampling_factor(if whole { SamplingFactor::F_1_1 } else { SamplingFactor::F_2_2 });
    encoder.encode(rgb, width as u16, height as u16, ColorType::Rgb).unwrap();
    bytes
}

/// Mean of the squared differences.
fn error(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum::<f64>() / a.len() as f64
}

/// The segments of that marker, in their order.
fn segments(bytes: &[u8], marker: u8) -> Vec<u8> {
    let (mut at, mut found) = (2, Vec::new());
    while bytes[at + 1] != 0xda {
        let length = usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
        if bytes[at + 1] == marker {
            found.extend_from_slice(&bytes[at + 4..at + 2 + length]);
        }
        at += 2 + length;
    }
    found
}

/// Over pictures of many sizes as near to them as another encoder's, in as few bytes, by the same tables.
#[test]
fn it_is_as_good_as_anothers() {
    for quality in [1, 5, 12, 30, 50, 70, 89, 90, 95, 100] {
        for (name, picture) in [("shapes", shapes as fn(usize, usize) -> Vec<u8>), ("noise", noise)] {
            let (mut errors, mut bytes) = ([0.0; 2], [0; 2]);
            for (width, height) in
                (5..90).step_by(7).flat_map(|width| (3..90).step_by(9).map(move |height| (width, height)))
            {
                let rgb = picture(width, height);
                let both = [write(&rgb, width, quality).unwrap(), theirs(&rgb, (width, height), quality)];
                for marker in [0xdb, 0xc4] {
                    assert_eq!(segments(&both[0], marker), segments(&both[1], marker));
                }
                for ((written, error_of), bytes) in both.iter().zip(&mut errors).zip(&mut bytes) {
                    let (read_width, read_height, read) = pixels(written);
                    assert_eq!((read_width as usize, read_height as usize), (width, height));
                    *error_of += error(&read, &rgb);
                    *bytes += written.len();
                }
            }
            assert!(errors[0] <= 1.03 * errors[1], "{name} at {quality}: errors {errors:?}");
            assert!(100 * bytes[0] <= 101 * bytes[1], "{name} at {quality}: {bytes:?} bytes");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Its pixels are those of the picture written in one piece.
    #[test]
    fn bands_are_seen_by_nobody(
        (width, height) in (1usize..70, 1usize..200),
        quality in 1u8..=100,
        rows in 1usize..100,
    ) {
        let rgb = noise(width, height);
        let whole = in_bands(&rgb, width, quality, height + 16).unwrap();
        let banded = in_bands(&rgb, width, quality, rows).unwrap();
        let side = Blocks::of(quality).side;
        prop_assert_eq!(banded == whole, height <= (rows / side).max(1) * side);
        prop_assert!(pixels(&banded) == pixels(&whole));
    }
}

/// More markers than there are numbers for them, and rows so long that a band takes fewer.
#[test]
fn the_longest_pictures_hold_together() {
    for (width, height) in [(9, 256 * 10 + 3), (20_000, 270), (65_535, 9), (1, 65_535)] {
        let rgb = noise(width, height);
        let written = write(&rgb, width, 90).unwrap();
        assert!(walk(&written).end == Some(written.len() - 2));
        assert!(error(&pixels(&written).2, &rgb) < 500.0, "{width}×{height}");
    }
}

/// The largest coefficients that there are, each alone and all at once.
#[test]
fn extremes_are_written_too() {
    let bit = |i: usize, u: usize, v: usize| {
        let (x, y) = (i % 16 % 8, i / 16 % 8);
        let wave = |x: usize, u: usize| ((2 * x + 1) as f64 * u as f64 * std::f64::consts::PI / 16.0).cos();
        if wave(x, u) * wave(y, v) < 0.0 { 0 } else { 255 }
    };
    for at in 0..64 {
        let rgb: Vec<u8> = (0..256).flat_map(|i| [bit(i, at % 8, at / 8); 3]).collect();
        let written = write(&rgb, 16, 100).unwrap();
        assert!(error(&pixels(&written).2, &rgb) < 1.0, "coefficient {at}");
    }
}

#[test]
fn colours_are_halved_below_the_usual_quality_only() {
    // Three columns red, three blue: halved, the edges are purple.
    let rgb: Vec<u8> = [[200, 30, 30].repeat(3), [30, 30, 200].repeat(3)].concat().repeat(8 * 30);
    let farthest = |quality: u8| {
        let (_, _, written) = pixels(&write(&rgb, 48, quality).unwrap());
        written.iter().zip(&rgb).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
    };
    let (whole, halved) = (farthest(DEFAULT_QUALITY), farthest(DEFAULT_QUALITY - 1));
    assert!(whole < 30 && halved > 50, "{whole} and {halved}");
}

#[test]
fn nothing_is_no_picture_and_neither_is_what_has_too_long_a_side() {
    assert!(write(&[], 0, 90).is_none() && write(&[], 5, 90).is_none());
    assert!(write(&vec![0; 3 * 65_536], 65_536, 90).is_none() && write(&vec![0; 3 * 65_536], 1, 90).is_none());
}
