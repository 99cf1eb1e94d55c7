//! Pictures at other sizes.

use proptest::prelude::*;
use sakuga::imaging::resize;

use super::*;

fn flat(width: u32, height: u32, color: [u8; 3], alpha: Option<u8>) -> Picture {
    let pixels = (width * height) as usize;
    Picture { width, height, rgb: color.repeat(pixels), alpha: alpha.map(|a| vec![a; pixels]) }
}

#[test]
fn only_larger_pictures_are_shrunk_and_no_side_falls_under_one() {
    for (size, max_side, expected) in [
        ((100, 50), 100, (100, 50)),
        ((100, 50), 200, (100, 50)),
        ((100, 50), 50, (50, 25)),
        ((50, 100), 50, (25, 50)),
        ((1000, 1), 10, (10, 1)),
        ((3, 2), 1, (1, 1)),
        ((3, 2), 0, (1, 1)),
    ] {
        let fitted = resize::fit(&flat(size.0, size.1, RED, None), max_side);
        assert_eq!((fitted.width, fitted.height), expected, "{size:?} in {max_side}");
    }
}

#[test]
fn a_photo_keeps_its_look_when_shrunk_and_grown() {
    let photo = read(&file("coffee.jpg")).unwrap().picture;
    let small = resize::fit(&photo, 150);
    assert_eq!((small.width, small.height), (150, 100));
    // Means of 3×3 pixels are what a photo looks like at a third of its size.
    let mean = |x: u32, y: u32, c: usize| {
        let sum: u32 = (0..9).map(|i| u32::from(pixel(&photo, 3 * x + i % 3, 3 * y + i / 3)[c])).sum();
        f64::from(sum) / 9.0
    };
    let mut error = 0.0;
    for y in 0..100 {
        for x in 0..150 {
            for c in 0..3 {
                error += (f64::from(pixel(&small, x, y)[c]) - mean(x, y, c)).powi(2);
            }
        }
    }
    let error = (error / 45_000.0).sqrt();
    assert!(error < 8.0, "{error}");
    let large = resize::to(&small, 450, 300);
    let back: f64 = large.rgb.iter().zip(&photo.rgb).map(|(&a, &b)| f64::from(a.abs_diff(b)).powi(2)).sum();
    let back = (back / photo.rgb.len() as f64).sqrt();
    assert!(back < 20.0, "{back}");
}

#[test]
fn hidden_colors_bleed_into_no_edge() {
    // Opaque white beside transparent black: shrunk, the half-clear edge must
    // be white all the same.
    let mut picture = flat(64, 64, WHITE, Some(255));
    for i in (0..64 * 64).filter(|i| i % 64 < 33) {
        picture.rgb[3 * i..3 * i + 3].fill(0);
        picture.alpha.as_mut().unwrap()[i] = 0;
    }
    let small = resize::to(&picture, 16, 16);
    let alpha = small.alpha.as_ref().unwrap();
    assert!(alpha.iter().any(|&a| a > 0 && a < 255), "no edge to look at");
    for (rgb, &a) in small.rgb.chunks_exact(3).zip(alpha) {
        if a > 0 {
            assert_near(rgb.try_into().unwrap(), WHITE, 2);
        }
    }
    // Where nothing is seen, the hidden colour is still what it was.
    assert_eq!((pixel(&small, 0, 8), alpha[0]), ([0; 3], 0));
    assert_eq!(pixel(&resize::to(&flat(8, 8, RED, Some(0)), 3, 3), 1, 1), RED);
}

proptest! {
    #[test]
    fn any_size_becomes_any_size(
        (w, h) in (1u32..40, 1u32..40),
        (new_w, new_h) in (1u32..40, 1u32..40),
        alpha in proptest::option::of(any::<u8>()),
    ) {
        let resized = resize::to(&flat(w, h, GREEN, alpha), new_w, new_h);
        prop_assert_eq!(resized, flat(new_w, new_h, GREEN, alpha));
    }

    #[test]
    fn fit_keeps_the_aspect((w, h) in (1u32..40, 1u32..40), max_side in 1u32..40) {
        let (new_w, new_h) = resize::fitted(w, h, max_side);
        prop_assert!(new_w >= 1 && new_h >= 1);
        prop_assert!(new_w.max(new_h) <= max_side.max(w.max(h)) && new_w <= w && new_h <= h);
        if w.max(h) > max_side {
            prop_assert_eq!(new_w.max(new_h), max_side);
            let scale = f64::from(max_side) / f64::from(w.max(h));
            prop_assert!((f64::from(w) * scale - f64::from(new_w)).abs() <= 1.0);
            prop_assert!((f64::from(h) * scale - f64::from(new_h)).abs() <= 1.0);
        } else {
            prop_assert_eq!((new_w, new_h), (w, h));
        }
    }
}

/// Whatever the format, orientation, colours or size, it is the picture that decoding and fitting make.
#[test]
fn a_file_decoded_to_a_size_is_the_fitted_picture() {
    let names = [
        "astronaut.jpg",
        "coffee.jpg",
        "gray.jpg",
        "restarts.jpg",
        "progressive.jpg",
        "rgb.jpg",
        "cmyk-profile.jpg",
        "ycck.jpg",
        "two.mpo",
        "palette.png",
        "animated.webp",
        "palette.bmp",
    ];
    for name in names {
        let bytes = file(name);
        let whole = read(&bytes).unwrap().picture;
        let longest = whole.width.max(whole.height);
        for max_side in [longest + 1, longest, longest * 2 / 3, longest / 2, longest / 3, longest / 7, longest / 20, 1]
        {
            let expected = resize::fit(&whole, max_side);
            let fitted = decode_fitted(&bytes, &Limits::default(), Some(max_side)).unwrap().picture;
            assert_eq!((fitted.width, fitted.height), (expected.width, expected.height), "{name} to {max_side}");
            assert_eq!(fitted.alpha.is_some(), expected.alpha.is_some(), "{name} to {max_side}");
            let error: f64 =
                fitted.rgb.iter().zip(&expected.rgb).map(|(&a, &b)| f64::from(a.abs_diff(b)).powi(2)).sum();
            let error = (error / expected.rgb.len() as f64).sqrt();
            // Of flat patches a pixel of the filter is much.
            let most = if longest > 100 { 3.0 } else { 12.0 };
            assert!(error < most, "{name} to {max_side}: {error}");
            // From a half on a photo's details are another filter's.
            if longest > 100 && max_side > 1 {
                assert_eq!(fitted != expected, 2 * max_side <= longest, "{name} to {max_side}");
            }
        }
    }
}
