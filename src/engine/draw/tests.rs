//! Drawing by the pixels as they are, held against drawing by tensors that are cut, padded and put together.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::models::{Precision, Registry};
use std::path::Path;

fn anime() -> Model {
    let registry = Registry::open(Some(Path::new("models"))).unwrap();
    registry.load("anime", &Device::Cpu, Precision::Auto).unwrap()
}

fn photo(width: u32, height: u32, seed: u32) -> Picture {
    let value = |i: u32| ((i / 3 % width * 5 + i / 3 / width * 3 + i * 13 % 31).wrapping_mul(seed)) as u8;
    Picture { width, height, rgb: (0..3 * width * height).map(value).collect(), alpha: None }
}

/// Both ways, in pieces of at most that square; how many pieces.
fn compare(model: &Model, photos: &[&Picture], piece: usize) -> usize {
    let style = Style::of(model.card(), None, 0.8).unwrap();
    let tiles = pieces(model.card(), (photos[0].width, photos[0].height), piece);
    let beat = Beat::default();
    assert!(model.takes_pixels());
    let (drawn, _) = pixels::draw(model, photos, &style, &tiles, &beat).unwrap();
    let (expected, _) = planes::draw(model, photos, &style, &tiles, (&Device::Cpu, &beat)).unwrap();
    assert_eq!(drawn.len(), photos.len());
    for ((drawn, expected), photo) in drawn.iter().zip(&expected).zip(photos) {
        assert_eq!((drawn.width, drawn.height), (photo.width, photo.height));
        let off: Vec<u8> = drawn.rgb.iter().zip(&expected.rgb).map(|(a, b)| a.abs_diff(*b)).collect();
        assert_eq!(off.len(), photo.rgb.len());
        // Levels are rounded from sums that may be rounded otherwise themselves.
        assert!(off.iter().all(|&off| off <= 1), "{} levels off", off.iter().max().unwrap());
        assert!(off.iter().filter(|&&off| off > 0).count() <= off.len() / 100);
    }
    tiles.len()
}

#[test]
fn a_photo_is_drawn_where_it_lies() {
    let model = anime();
    // Multiples of 16 and not, also sides too short to be mirrored.
    for (width, height) in [(64, 48), (61, 47), (3, 50), (33, 1)] {
        assert_eq!(compare(&model, &[&photo(width, height, 3)], 4096), 1);
    }
    assert_eq!(compare(&model, &[&photo(50, 44, 1), &photo(50, 44, 7), &photo(50, 44, 9)], 4096), 1);
}

#[test]
fn a_tile_is_drawn_where_it_belongs() {
    let model = anime();
    let side = 3 * model.card().reach.unwrap();
    assert!(compare(&model, &[&photo(2 * side as u32 + 5, side as u32 + 50, 5)], side) > 2);
}

#[test]
fn a_photo_of_other_pixels_than_it_says_is_an_error() {
    let (model, beat) = (anime(), Beat::default());
    let style = Style::of(model.card(), None, 1.0).unwrap();
    let broken = Picture { rgb: vec![0; 7], ..photo(20, 20, 1) };
    assert!(draw(&model, &[&broken], &style, 4096, (&Device::Cpu, &beat)).is_err());
}
