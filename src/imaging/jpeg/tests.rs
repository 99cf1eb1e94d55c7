//! Smaller pictures beside the plain way: decoded whole by zune-jpeg, then shrunk by the definition.
#![allow(clippy::unwrap_used)]

use std::f64::consts::{PI, SQRT_2};

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use proptest::prelude::*;

use super::{read, reduced};
use crate::imaging::Limits;

const SAMPLINGS: [SamplingFactor; 4] =
    [SamplingFactor::F_1_1, SamplingFactor::F_2_1, SamplingFactor::F_1_2, SamplingFactor::F_2_2];

/// How a picture is written.
#[derive(Clone, Debug)]
struct Writing {
    quality: u8,
    sampling: SamplingFactor,
    /// MCUs between restart markers.
    interval: Option<u16>,
}

fn writing() -> impl Strategy<Value = Writing> {
    let interval = prop_oneof![Just(None), (1u16..9).prop_map(Some)];
    (1u8..=100, 0usize..4, interval).prop_map(|(quality, sampling, interval)| Writing {
        quality,
        sampling: SAMPLINGS[sampling],
        interval,
    })
}

fn write(samples: &[u8], (width, height): (usize, usize), color: ColorType, how: &Writing) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, how.quality);
    encoder.set_sampling_factor(how.sampling);
    // Codes of the picture's own, where the encoder can do that.
    encoder.set_optimized_huffman_tables(color == ColorType::Luma && how.interval.is_none());
    how.interval.into_iter().for_each(|interval| encoder.set_restart_interval(interval));
    encoder.encode(samples, width as u16, height as u16, color).unwrap();
    bytes
}

fn noise(count: usize, seed: u32) -> Vec<u8> {
    (0..count as u32).map(|i| ((i ^ seed << 16).wrapping_mul(2_654_435_761) >> (24 - i % 3)) as u8).collect()
}

/// What only a sum of low frequencies has, of a channel each.
fn waves((width, height): (usize, usize), channels: usize) -> Vec<u8> {
    let value = |i: usize| {
        let (x, y, c) = (i / channels % width, i / channels / width, i % channels);
        let phase = (x as f64 / 37.0 + y as f64 / 51.0 + c as f64).sin();
        (127.0 + 100.0 * phase) as u8
    };
    (0..width * height * channels).map(value).collect()
}

fn whole(bytes: &[u8]) -> Vec<u8> {
    read(bytes, Limits::default(), None).unwrap().samples
}

/// `n` samples to coefficients or back, as T.81, A.3.3 has it for eight, along the rows of `n`.
fn transform(values: &[f64], n: usize, inverse: bool) -> Vec<f64> {
    let term = |k: usize, x: usize| {
        let norm = if k == 0 { 1.0 } else { SQRT_2 };
        norm * ((2 * x + 1) as f64 * k as f64 * PI / (2 * n) as f64).cos() / 8_f64.sqrt()
    };
    let sum = |row: &[f64], i: usize| -> f64 {
        row.iter().enumerate().map(|(j, v)| v * if inverse { term(j, i) } else { term(i, j) }).sum()
    };
    values.chunks_exact(n).flat_map(|row| (0..n).map(move |i| sum(row, i))).collect()
}

fn transposed(values: &[f64], n: usize) -> Vec<f64> {
    (0..values.len()).map(|i| values[i % n * (values.len() / n) + i / n]).collect()
}

/// An 8×8 block's lowest `n`×`n` coefficients as a block of as many samples.
fn shrunk(block: &[f64], n: usize) -> Vec<f64> {
    let coefficients = transform(&transposed(&transform(block, 8, false), 8), 8, false);
    let low: Vec<f64> = (0..n * n).map(|i| coefficients[i / n * 8 + i % n]).collect();
    transform(&transposed(&transform(&low, n, true), n), n, true)
}

fn farthest(a: &[u8], b: &[u8]) -> u8 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// At full size both decoders see the same codes: rounding alone may differ.
    #[test]
    fn every_code_is_read(width in 1usize..60, height in 1usize..60, how in writing(), seed: u32, threads in 1usize..6) {
        let how = Writing { sampling: SamplingFactor::F_1_1, ..how };
        let grey = write(&noise(width * height, seed), (width, height), ColorType::Luma, &how);
        prop_assert!(farthest(&reduced::read(&grey, 1, threads).unwrap(), &whole(&grey)) <= 1);
        let rgb = write(&noise(3 * width * height, seed), (width, height), ColorType::Rgb, &how);
        prop_assert!(farthest(&reduced::read(&rgb, 1, threads).unwrap(), &whole(&rgb)) <= 3);
    }

    /// Sixteen blocks of noise, each shrunk as the definition says.
    #[test]
    fn a_block_has_its_low_frequencies(reduction in 1u32..4, how in writing(), seed: u32) {
        let (reduction, n) = (1 << reduction, 8 >> reduction);
        let how = Writing { quality: how.quality.max(50), ..how };
        // Not so wild that decoding it whole clips it.
        let calm: Vec<u8> = noise(32 * 32, seed).iter().map(|v| 90 + v / 4).collect();
        let bytes = write(&calm, (32, 32), ColorType::Luma, &how);
        let (whole, small) = (whole(&bytes), reduced::read(&bytes, reduction, 1).unwrap());
        for block in 0..16 {
            let (top, left) = (block / 4, block % 4);
            let of = |i: usize| f64::from(whole[(8 * top + i / 8) * 32 + 8 * left + i % 8]);
            let expected = shrunk(&(0..64).map(of).collect::<Vec<_>>(), n);
            for (i, expected) in expected.iter().enumerate() {
                let actual = small[(n * top + i / n) * 4 * n + n * left + i % n];
                prop_assert!((f64::from(actual) - expected).abs() < 1.6, "{actual} {expected}");
            }
        }
    }

    /// Colours of every size, at every size: means of what is decoded whole.
    #[test]
    fn colours_lie_where_they_belong(
        (width, height) in (17usize..90, 17usize..90),
        reduction in 1u32..4,
        how in writing(),
        grey: bool,
    ) {
        let (reduction, how) = (1 << reduction, Writing { quality: 100, ..how });
        let (channels, color) = if grey { (1, ColorType::Luma) } else { (3, ColorType::Rgb) };
        let bytes = write(&waves((width, height), channels), (width, height), color, &how);
        let (whole, small) = (whole(&bytes), reduced::read(&bytes, reduction as u32, 2).unwrap());
        let columns = width.div_ceil(reduction);
        prop_assert_eq!(small.len(), columns * height.div_ceil(reduction) * channels);
        // Pixels that are whole.
        for (y, x, c) in (0..height / reduction).flat_map(|y| {
            (0..width / reduction).flat_map(move |x| (0..channels).map(move |c| (y, x, c)))
        }) {
            let area = (0..reduction * reduction).map(|i| {
                let (y, x) = (y * reduction + i / reduction, x * reduction + i % reduction);
                f64::from(whole[(y * width + x) * channels + c])
            });
            let mean = area.sum::<f64>() / (reduction * reduction) as f64;
            let actual = f64::from(small[(y * columns + x) * channels + c]);
            prop_assert!((actual - mean).abs() < 4.0, "{actual} for {mean} at {x}, {y}");
        }
    }

    /// Wherever threads begin, they read what one alone reads.
    #[test]
    fn threads_change_no_bit(
        (width, height) in (1usize..300, 1usize..300),
        how in writing(),
        seed: u32,
        flat: bool,
        threads in 2usize..40,
    ) {
        let mut samples = noise(3 * width * height, seed);
        if flat {
            samples.fill(77);
        }
        let bytes = write(&samples, (width, height), ColorType::Rgb, &how);
        let alone = reduced::read(&bytes, 2, 1).unwrap();
        prop_assert!(reduced::read(&bytes, 2, threads).unwrap() == alone);
    }

    /// Damage makes another picture of the same size, or none.
    #[test]
    fn a_damaged_file_never_panics(
        how in writing(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        threads in 1usize..5,
    ) {
        let mut bytes = write(&noise(3 * 50 * 40, 7), (50, 40), ColorType::Rgb, &how);
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if super::dimensions(&bytes) == Some((50, 40)) && let Some(samples) = reduced::read(&bytes, 2, threads) {
            prop_assert!(matches!(samples.len(), 500 | 1500));
        }
    }

    #[test]
    fn data_that_stop_early_are_refused(how in writing(), left in 0.0f64..0.98, threads in 1usize..5) {
        let bytes = write(&noise(3 * 50 * 40, 7), (50, 40), ColorType::Rgb, &how);
        let data = super::frame::Frame::read(&bytes).unwrap().data;
        let cut = data + ((bytes.len() - 2 - data) as f64 * left) as usize;
        prop_assert!(reduced::read(&[&bytes[..cut], &[0xFF, 0xD9]].concat(), 2, threads).is_none());
    }
}

/// Megabytes behind a small picture's data, which would be millions of blocks.
#[test]
fn more_data_than_a_picture_has_are_refused() {
    let how = Writing { quality: 90, sampling: SamplingFactor::F_2_2, interval: None };
    let bytes = write(&[128; 3 * 32 * 32], (32, 32), ColorType::Rgb, &how);
    for threads in [1, 3] {
        let more = [&bytes[..bytes.len() - 2], &vec![0; 1 << 20], &[0xFF, 0xD9]].concat();
        assert!(reduced::read(&more, 2, threads).is_none());
    }
}

#[test]
fn what_is_not_baseline_is_left_to_the_other_decoder() {
    for name in ["progressive.jpg", "cmyk.jpg"] {
        let path = format!("{}/tests/pictures/{name}", env!("CARGO_MANIFEST_DIR"));
        assert!(reduced::read(&std::fs::read(path).unwrap(), 2, 1).is_none(), "{name}");
    }
    let how = Writing { quality: 90, sampling: SamplingFactor::F_4_1, interval: None };
    let bytes = write(&noise(3 * 64 * 64, 1), (64, 64), ColorType::Rgb, &how);
    assert!(reduced::read(&bytes, 2, 1).is_none(), "colours of a quarter");
}

#[test]
fn the_smallest_that_is_enough_is_read() {
    for (size, max_side, expected) in [
        ((4000, 3000), None, 1),
        ((4000, 3000), Some(4000), 1),
        ((4000, 3000), Some(2001), 1),
        ((4000, 3000), Some(2000), 2),
        ((3000, 4001), Some(1001), 2),
        ((3000, 4001), Some(1000), 4),
        ((4000, 3000), Some(3), 8),
        ((1, 1), Some(0), 1),
    ] {
        assert_eq!(super::reduction(size, max_side), expected, "{size:?} for {max_side:?}");
    }
}
