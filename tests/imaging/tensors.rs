//! Pictures as networks see them: values, padding, tiles.

use candle_core::{DType, Device, Result, Tensor};
use proptest::prelude::*;
use sakuga::imaging::tile::{self, Tile};
use sakuga::imaging::{channels, pad, tensor};
use std::ops::Range;

use super::*;

fn values(t: &Tensor) -> Vec<f32> {
    t.flatten_all().unwrap().to_vec1().unwrap()
}

/// `(1, 2, H, W)` of values that are all different.
fn ramp(height: usize, width: usize) -> Tensor {
    let count = 2 * height * width;
    Tensor::arange(0f32, count as f32, &Device::Cpu).unwrap().reshape((1, 2, height, width)).unwrap()
}

#[test]
fn levels_run_from_minus_one_to_one_in_planes() {
    let picture = Picture { width: 2, height: 1, rgb: vec![0, 51, 255, 255, 0, 102], alpha: None };
    let t = tensor::from_picture(&picture, 3, &Device::Cpu).unwrap();
    assert_eq!(t.dims(), [1, 3, 1, 2]);
    let expected = [-1.0, 1.0, -0.6, -1.0, 1.0, -0.2];
    for (value, expected) in values(&t).into_iter().zip(expected) {
        assert!((value - expected).abs() < 1e-6, "{value} is not {expected}");
    }
}

#[test]
fn grey_and_alpha_are_channels_too() {
    let picture = Picture { width: 2, height: 1, rgb: vec![255, 0, 0, 10, 200, 90], alpha: Some(vec![255, 51]) };
    // PIL's `Image.convert("L")` of the two pixels: 76 and 131.
    let grey = tensor::from_picture(&picture, 1, &Device::Cpu).unwrap();
    assert_eq!(tensor::to_picture(&grey).unwrap().rgb, [76, 76, 76, 131, 131, 131]);
    let all = tensor::from_picture(&picture, 4, &Device::Cpu).unwrap();
    assert_eq!(tensor::to_picture(&all).unwrap(), picture);
    let opaque = Picture { alpha: None, ..picture };
    let all = tensor::from_picture(&opaque, 4, &Device::Cpu).unwrap();
    assert_eq!(tensor::to_picture(&all).unwrap().alpha, Some(vec![255, 255]));
    assert!(tensor::from_picture(&opaque, 2, &Device::Cpu).is_err());
}

#[test]
fn all_channels_come_back() {
    let rgb: Vec<u8> = (0..3 * 5 * 4).map(|i| (i * 37 % 256) as u8).collect();
    let clear = Picture { width: 5, height: 4, rgb, alpha: Some((0..20).map(|i| i * 12).collect()) };
    let opaque = Picture { alpha: None, ..clear.clone() };
    let whole = Picture { alpha: Some(vec![255; 20]), ..clear.clone() };
    for (picture, number, expected) in [(&clear, 3, &opaque), (&clear, 4, &clear), (&opaque, 4, &whole)] {
        let pixels = channels::of(picture, number).unwrap().into_owned();
        assert_eq!(pixels.len(), 20 * number);
        assert_eq!(channels::picture((5, 4), number, pixels).unwrap(), *expected);
    }
    let grey = channels::of(&clear, 1).unwrap().into_owned();
    assert_eq!(
        channels::picture((5, 4), 1, grey.clone()).unwrap().rgb,
        grey.iter().flat_map(|&v| [v; 3]).collect::<Vec<_>>()
    );
    assert!(channels::of(&clear, 2).is_err() && channels::picture((5, 4), 2, vec![0; 40]).is_err());
    let short = Picture { rgb: vec![0; 59], ..opaque };
    assert!(channels::of(&short, 3).is_err());
}

#[test]
fn drawings_are_clamped_and_rounded() {
    let t = Tensor::new(&[[[[-9f32]], [[0.0]], [[f32::NAN]]]], &Device::Cpu).unwrap();
    assert_eq!(tensor::to_picture(&t).unwrap().rgb, [0, 128, 0]);
    let t = Tensor::new(&[[[[9f32]], [[0.999]], [[-0.999]]]], &Device::Cpu).unwrap();
    assert_eq!(tensor::to_picture(&t).unwrap().rgb, [255, 255, 0]);
    assert!(tensor::to_picture(&ramp(2, 2)).is_err());
}

#[test]
fn a_cropped_drawing_and_half_precision_are_taken() {
    let picture = noise(12, 10, false);
    let t = tensor::from_picture(&picture, 3, &Device::Cpu).unwrap();
    let cropped = pad::crop(&t, 7, 5).unwrap();
    let rgb = tensor::to_picture(&cropped).unwrap().rgb;
    assert_eq!(rgb[3 * 5..3 * 5 + 3], pixel(&picture, 0, 1));
    let half = tensor::to_picture(&t.to_dtype(DType::BF16).unwrap()).unwrap().rgb;
    assert!(half.iter().zip(&picture.rgb).all(|(a, b)| a.abs_diff(*b) <= 1));
}

#[test]
fn padding_mirrors_without_repeating_the_edge() {
    let t = Tensor::new(&[[[[1f32, 2.0, 3.0, 4.0, 5.0]]]], &Device::Cpu).unwrap();
    let padded = pad::to_multiple(&t, 8).unwrap();
    assert_eq!(padded.dims(), [1, 1, 8, 8]);
    // A single row is too short to mirror: it is repeated.
    let row = [1.0, 2.0, 3.0, 4.0, 5.0, 4.0, 3.0, 2.0];
    assert_eq!(values(&padded), row.repeat(8));
    let t = Tensor::new(&[[[[1f32, 2.0]]]], &Device::Cpu).unwrap();
    let padded = pad::to_multiple(&t, 4).unwrap();
    assert_eq!(values(&padded), [1.0, 2.0, 2.0, 2.0].repeat(4));
}

/// `(1, C, H, W)` drawn in tiles by `draw`: what is kept of each, put together.
fn draw_tiled(
    t: &Tensor,
    (side, halo, multiple): (usize, usize, usize),
    draw: impl Fn(&Tensor) -> Result<Tensor>,
) -> Vec<f32> {
    let (_, channels, height, width) = t.dims4().unwrap();
    let part = |t: &Tensor, rows: Range<usize>, columns: Range<usize>| {
        t.narrow(2, rows.start, rows.len()).unwrap().narrow(3, columns.start, columns.len()).unwrap()
    };
    let mut whole = vec![f32::NAN; channels * height * width];
    for tile in tile::plan(height, width, side, halo, multiple) {
        let (rows, columns) = tile.inner();
        let Tile { source, kept } = tile;
        let drawn = draw(&part(t, source.0, source.1).contiguous().unwrap()).unwrap();
        let mut values = values(&part(&drawn, rows, columns)).into_iter();
        for channel in 0..channels {
            for y in kept.0.clone() {
                let row = (channel * height + y) * width;
                kept.1.clone().zip(&mut values).for_each(|(x, value)| whole[row + x] = value);
            }
        }
    }
    whole
}

/// Rows and columns that a network draws of a tile: what it sees, filled up to a multiple.
fn drawn(tile: &Tile, multiple: usize) -> (usize, usize) {
    let padded = |range: &Range<usize>| range.end.next_multiple_of(multiple) - range.start;
    (padded(&tile.source.0), padded(&tile.source.1))
}

/// A box blur of `2 · radius + 1` pixels with zeros around: the plainest
/// network of that reach.
fn blur(t: &Tensor, radius: usize) -> Result<Tensor> {
    let side = 2 * radius + 1;
    let kernel = Tensor::ones((2, 1, side, side), DType::F32, &Device::Cpu)?;
    t.conv2d(&kernel, radius, 1, 1, 2)
}

/// Halves, blurs and doubles: what it does depends on where its grid starts.
fn blur_at_half(t: &Tensor, radius: usize) -> Result<Tensor> {
    let (_, _, height, width) = t.dims4()?;
    blur(&t.avg_pool2d(2)?, radius)?.upsample_nearest2d(height, width)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_level_comes_back((w, h) in (1u32..40, 1u32..40)) {
        let picture = noise(w, h, false);
        let t = tensor::from_picture(&picture, 3, &Device::Cpu).unwrap();
        prop_assert_eq!(tensor::to_picture(&t).unwrap().rgb, picture.rgb);
    }

    #[test]
    fn cropping_undoes_padding(
        (h, w) in (1usize..40, 1usize..40),
        multiple in 1usize..33,
    ) {
        let t = ramp(h, w);
        let padded = pad::to_multiple(&t, multiple).unwrap();
        let (_, _, padded_h, padded_w) = padded.dims4().unwrap();
        prop_assert_eq!((padded_h % multiple, padded_w % multiple), (0, 0));
        prop_assert!(padded_h < h + multiple && padded_w < w + multiple);
        let back = pad::crop(&padded, h, w).unwrap();
        prop_assert_eq!(values(&back), values(&t));
        // Every new pixel is a copy of one at its mirrored place.
        let mirrored = |i: usize, side: usize, padded: usize| match i.checked_sub(side - 1) {
            None | Some(0) => i,
            Some(_) if padded - side > side - 1 => side - 1,
            Some(beyond) => side - 1 - beyond,
        };
        let (flat, source) = (values(&padded), values(&t));
        for y in 0..padded_h {
            for x in 0..padded_w {
                let from = mirrored(y, h, padded_h) * w + mirrored(x, w, padded_w);
                prop_assert_eq!(flat[y * padded_w + x], source[from]);
            }
        }
    }

    #[test]
    fn tiles_cover_every_pixel_once_on_the_grid(
        (h, w) in (1usize..100, 1usize..100),
        side in 1usize..50,
        halo in 0usize..20,
        multiple in 1usize..9,
    ) {
        let tiles = tile::plan(h, w, side, halo, multiple);
        prop_assert!(tiles.iter().all(|tile| drawn(tile, multiple) == drawn(&tiles[0], multiple)), "{tiles:?}");

        let mut covered = vec![0; h * w];
        for tile in tiles {
            for (side, source, kept) in [
                (h, &tile.source.0, &tile.kept.0),
                (w, &tile.source.1, &tile.kept.1),
            ] {
                prop_assert_eq!(source.start % multiple, 0);
                prop_assert!(source.end % multiple == 0 || source.end == side);
                prop_assert!(source.end <= side);
                prop_assert!(source.start == 0 || source.start + halo <= kept.start);
                prop_assert!(source.end == side || source.end >= kept.end + halo);
            }
            for y in tile.kept.0.clone() {
                tile.kept.1.clone().for_each(|x| covered[y * w + x] += 1);
            }
        }
        prop_assert!(covered.iter().all(|&n| n == 1));
    }

    /// Squares with a halo on either side, the plainest plan, are never fewer pixels.
    #[test]
    fn tiles_are_small_and_draw_little(
        (h, w) in (1usize..400, 1usize..400),
        side in 1usize..30,
        halo in 0usize..40,
        multiple in 1usize..9,
    ) {
        let side = side * multiple;
        let halo = halo.min(side / 2 * 3 / 4);
        let shared = (2 * halo).next_multiple_of(multiple);
        prop_assume!(side > shared);
        let tiles = tile::plan(h, w, side, halo, multiple).into_iter();
        let drawn: Vec<usize> = tiles.map(|tile| drawn(&tile, multiple)).map(|(rows, columns)| rows * columns).collect();
        prop_assert!(drawn.iter().all(|&pixels| pixels <= side * side), "{drawn:?}");
        let (across, down) = (w.div_ceil(side - shared), h.div_ceil(side - shared));
        prop_assert!(drawn.iter().sum::<usize>() <= across * down * side * side, "{drawn:?}");
        if h.next_multiple_of(multiple) * w.next_multiple_of(multiple) <= side * side && h.max(w) <= 4 * side {
            prop_assert_eq!(drawn.len(), 1);
        }
    }

    #[test]
    fn tiled_equals_whole(
        (h, w) in (1usize..30, 1usize..30),
        side in 1usize..24,
        radius in 0usize..5,
        extra in 0usize..4,
    ) {
        // Sums of whole numbers under 2²⁴ are exact in f32, in any order.
        let t = ramp(h, w);
        let whole = blur(&t, radius).unwrap();
        let tiled = draw_tiled(&t, (side, radius + extra, 1), |t| blur(t, radius));
        prop_assert_eq!(tiled, values(&whole));

        let t = ramp(2 * h, 2 * w);
        let whole = blur_at_half(&t, radius).unwrap();
        let halo = 2 * radius + extra;
        let tiled = draw_tiled(&t, (side, halo, 2), |t| blur_at_half(t, radius));
        prop_assert_eq!(tiled, values(&whole));
    }
}

#[test]
fn a_halo_under_the_reach_leaves_seams() {
    let t = ramp(32, 32);
    let whole = blur(&t, 3).unwrap();
    let tiled = draw_tiled(&t, (8, 2, 1), |t| blur(t, 3));
    assert_ne!(tiled, values(&whole));
}
