//! Pictures of every kind and shape become samples.

use super::{drawing, loader, negative, write};
use image::{DynamicImage, GrayImage, ImageBuffer, Luma, Rgb};
use sakuga::imaging::Picture;
use sakuga::train::augment::Augment;
use sakuga::train::dataset::{Direction, Pairs, Split};
use sakuga::train::rng::Stream;
use std::path::Path;

fn save(path: &Path, picture: DynamicImage) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    picture.save(path).unwrap();
}

#[test]
fn grey_and_16_bit_pictures_are_pairs_too() {
    let dir = tempfile::tempdir().unwrap();
    let at = |file: &str| dir.path().join(file);
    let shade = |x: u32, y: u32| (x * 12 + y * 7) as u8;
    let wide = |x, y| u16::from(shade(x, y)) * 257;
    save(&at("A/train/0.png"), GrayImage::from_fn(20, 10, |x, y| Luma([shade(x, y)])).into());
    save(&at("B/train/0.png"), ImageBuffer::from_fn(20, 10, |x, y| Luma([wide(x, y)])).into());
    save(&at("A/train/1.png"), ImageBuffer::from_fn(20, 10, |x, y| Rgb([wide(x, y); 3])).into());
    save(&at("B/train/1.png"), GrayImage::from_fn(20, 10, |x, y| Luma([shade(x, y)])).into());
    let pairs = Pairs::open(dir.path(), Split::Train, Direction::AtoB).unwrap();
    let wanted: Vec<u8> = (0..200).flat_map(|i| [shade(i % 20, i / 20); 3]).collect();
    for index in 0..2 {
        let pair = pairs.read(index).unwrap();
        assert_eq!(pair.photo.rgb, wanted);
        assert_eq!(pair.targets[0].rgb, wanted);
    }
}

#[test]
fn the_shorter_side_is_brought_to_the_load_size() {
    let dir = tempfile::tempdir().unwrap();
    let sizes = [(40, 10), (10, 40), (300, 200)];
    for (k, (width, height)) in sizes.into_iter().enumerate() {
        // Brighter towards the end of the shorter side.
        let shade = |i: u32| if width < height { i % width * 255 / width } else { i / width * 255 / height };
        let rgb = (0..width * height).flat_map(|i| [shade(i) as u8; 3]).collect();
        let picture = Picture { width, height, rgb, alpha: None };
        write(&dir.path().join(format!("A/train/{k}.png")), &picture);
        write(&dir.path().join(format!("B/train/{k}.png")), &negative(&picture));
    }
    let pairs = Pairs::open(dir.path(), Split::Train, Direction::AtoB).unwrap();
    let augment = Augment { load: 32, crop: 32, flip: 0.0, ..Augment::default() };
    for (index, (width, height)) in sizes.into_iter().enumerate() {
        let (mut photo, mut target) = (vec![0.0; augment.values()], vec![0.0; augment.values()]);
        let mut stream = Stream::derive(1, "augment", index as u64);
        augment.sample(&pairs.read(index).unwrap(), &[1.0], &mut stream, &mut photo, &mut target).unwrap();
        // The whole of the shorter side is in the crop: it rises from end to end and is not mirrored.
        let along = |i: usize| photo[if width < height { i } else { 32 * i }];
        let line: Vec<f32> = (0..32).map(along).collect();
        assert!(line.windows(2).all(|pair| pair[0] <= pair[1] + 0.01), "{width}×{height}: {line:?}");
        assert!(line[0] < -0.8 && line[31] > 0.7, "{width}×{height}: {line:?}");
        assert!(photo.iter().zip(&target).all(|(a, b)| (a + b).abs() < 0.02), "photo and target stay together");
    }
}

#[test]
fn pairs_of_any_aspect_share_a_batch() {
    let dir = tempfile::tempdir().unwrap();
    for (k, (width, height)) in [(90, 20), (20, 90), (5, 5)].into_iter().enumerate() {
        let picture = drawing(width, height, k as u32);
        write(&dir.path().join(format!("A/train/{k}.png")), &picture);
        write(&dir.path().join(format!("B/train/{k}.png")), &negative(&picture));
    }
    let loader = loader(dir.path(), Augment { load: 24, crop: 32, ..Augment::default() }, 1);
    let batch = loader.epoch(0, 0).next().unwrap().unwrap();
    assert_eq!((batch.n, batch.side, batch.photo.len()), (3, 32, 3 * 3 * 32 * 32));
}
