//! The looks from outside: what they promise for every photo, and what the reference sketch draws.
//!
//! The reference's numbers come from this script (Python 3.12, opencv-contrib-python-headless, numba):
//!
//! ```text
//! import numpy as np, looks  # the reference sketch
//!
//! y, x = np.mgrid[0:40, 0:48]
//! noise = (x * 7 + y * 13) % 5 - 2
//! photo = np.full((40, 48, 3), (200, 180, 150))
//! disc = (x - 17) ** 2 + (y - 19) ** 2 <= 121
//! photo[disc] = np.stack([60 + 2 * x + noise, 110 + noise, 200 - 3 * y + noise], -1)[disc]
//! box = (x >= 28) & (x < 42) & (y >= 9) & (y < 31)
//! photo[box] = np.stack([220 - 4 * (y - 9) + noise, 80 + 3 * (x - 28) + noise, 70 + noise], -1)[box]
//! bgr = photo[..., ::-1].astype(np.float32) / 255
//! for style in looks.STYLES:
//!     drawn = np.rint(np.clip(style(bgr), 0, 1) * 255).astype(int)[..., ::-1]
//!     print(style.__name__, drawn[4::8, 4::8].tolist())
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used)]

use sakuga::imaging::Picture;
use sakuga::looks::Look;

fn draw(width: u32, height: u32, pixel: impl Fn(i32, i32) -> [i32; 3]) -> Picture {
    let at = |i: u32| pixel((i % width) as i32, (i / width) as i32).map(|c| u8::try_from(c).unwrap());
    let rgb = (0..width * height).flat_map(at).collect();
    Picture { width, height, rgb, alpha: None }
}

/// A disc and a box, each with a gradient and a little noise, on a plain ground.
fn shapes() -> Picture {
    draw(48, 40, |x, y| {
        let noise = (x * 7 + y * 13) % 5 - 2;
        if (28..42).contains(&x) && (9..31).contains(&y) {
            [220 - 4 * (y - 9) + noise, 80 + 3 * (x - 28) + noise, 70 + noise]
        } else if (x - 17).pow(2) + (y - 19).pow(2) <= 121 {
            [60 + 2 * x + noise, 110 + noise, 200 - 3 * y + noise]
        } else {
            [200, 180, 150]
        }
    })
}

fn pixel(picture: &Picture, x: usize, y: usize) -> [u8; 3] {
    picture.rgb.as_chunks().0[y * picture.width as usize + x]
}

fn grey(rgb: [u8; 3]) -> f32 {
    0.2126 * f32::from(rgb[0]) + 0.7152 * f32::from(rgb[1]) + 0.0722 * f32::from(rgb[2])
}

#[test]
fn every_look_draws_what_the_reference_draws() {
    for (look, golden) in [(Look::Cel, CEL), (Look::Gouache, GOUACHE), (Look::Luminous, LUMINOUS), (Look::Ink, INK)] {
        let drawn = look.render(&shapes());
        let mut off = Vec::new();
        for (i, golden) in golden.iter().enumerate() {
            let got = pixel(&drawn, 4 + i % 6 * 8, 4 + i / 6 * 8);
            off.extend(got.iter().zip(golden).map(|(a, b)| a.abs_diff(*b)));
        }
        off.sort_unstable();
        let (mean, worst) = (off.iter().map(|&d| f32::from(d)).sum::<f32>() / off.len() as f32, off[off.len() - 1]);
        assert!(mean <= 2.0 && worst <= 24, "{look}: {mean} levels off on the average, {worst} at the worst");
    }
}

#[test]
fn size_and_alpha_are_the_photos() {
    let mut photo = shapes();
    photo.alpha = Some((0..48 * 40).map(|i| (i % 256) as u8).collect());
    for look in Look::ALL {
        let drawn = look.render(&photo);
        assert_eq!((drawn.width, drawn.height, drawn.rgb.len()), (48, 40, 48 * 40 * 3), "{look}");
        assert_eq!(drawn.alpha, photo.alpha, "{look}");
    }
}

#[test]
fn the_smallest_photos_are_drawn_too() {
    for (width, height) in [(1, 1), (1, 2), (2, 1), (1, 23), (23, 1), (3, 2), (2, 3), (7, 9)] {
        let photo = draw(width, height, |x, y| [(x * 97 + y * 31) % 256, (x * 13 + y * 57) % 256, 128]);
        for look in Look::ALL {
            let drawn = look.render(&photo);
            assert_eq!((drawn.width, drawn.height), (width, height), "{look}");
            assert_eq!(drawn.rgb.len(), photo.rgb.len(), "{look}");
        }
    }
}

#[test]
fn a_flat_photo_stays_flat() {
    for level in [0, 40, 128, 255] {
        let flat = draw(37, 29, |_, _| [level; 3]);
        for look in Look::ALL {
            let drawn = look.render(&flat);
            let first = pixel(&drawn, 0, 0);
            for pixel in drawn.rgb.as_chunks::<3>().0 {
                let off = pixel.iter().zip(first).map(|(a, b)| a.abs_diff(b)).max();
                assert!(off <= Some(1), "{look} of grey {level}: {pixel:?} beside {first:?}");
            }
        }
    }
}

#[test]
fn threads_change_nothing() {
    let photo = draw(61, 67, |x, y| [(x * x + 3 * y) % 256, (x * y) % 256, (5 * x + y * y) % 256]);
    for look in Look::ALL {
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| look.render(&photo))
        };
        let one = with(1);
        assert!(one.rgb != photo.rgb, "{look} should change the photo");
        assert!(one == with(2) && one == with(5), "{look} differs with the number of threads");
    }
}

/// Two greys side by side: an outline runs down the border, darker than both fills.
#[test]
fn a_strong_edge_gets_ink() {
    let halves = draw(64, 48, |x, _| if x < 32 { [120; 3] } else { [230; 3] });
    for look in [Look::Cel, Look::Gouache, Look::Ink] {
        let drawn = look.render(&halves);
        let across: Vec<f32> = (16..48).map(|x| grey(pixel(&drawn, x, 24))).collect();
        let (left, right) = (across[0], across[31]);
        let darkest = across.iter().copied().fold(f32::MAX, f32::min);
        assert!(left < right, "{look} keeps which side is darker");
        assert!(darkest < 0.6 * left, "{look}: no line darker than the fill: {across:?}");
    }
}

#[test]
fn looks_are_told_by_their_names() {
    for look in Look::ALL {
        assert_eq!(look.to_string().parse(), Ok(look));
    }
    let error = "Cel".parse::<Look>().unwrap_err().to_string();
    assert_eq!(error, "there is no look named \"Cel\"; the looks are cel, gouache, luminous, ink");
}

#[rustfmt::skip]
const CEL: [[u8; 3]; 30] = [
    [214, 188, 152], [214, 188, 152], [214, 188, 152], [214, 188, 152], [214, 188, 152], [214, 188, 152],
    [214, 188, 152], [38, 47, 74], [105, 120, 188], [236, 116, 96], [241, 119, 79], [214, 188, 152],
    [214, 188, 152], [88, 122, 165], [108, 121, 162], [183, 96, 90], [208, 120, 82], [214, 188, 152],
    [214, 188, 152], [52, 60, 69], [29, 28, 36], [183, 114, 93], [76, 51, 39], [214, 188, 152],
    [214, 188, 152], [214, 188, 152], [214, 188, 152], [214, 188, 152], [214, 188, 152], [214, 188, 152],
];

#[rustfmt::skip]
const GOUACHE: [[u8; 3]; 30] = [
    [235, 203, 156], [235, 203, 156], [235, 203, 156], [235, 203, 156], [235, 203, 156], [235, 203, 156],
    [235, 203, 156], [41, 131, 186], [80, 154, 223], [246, 114, 92], [254, 130, 83], [235, 203, 156],
    [235, 203, 156], [89, 150, 186], [108, 151, 192], [226, 117, 96], [225, 132, 84], [235, 203, 156],
    [235, 203, 156], [95, 115, 124], [91, 94, 101], [204, 116, 97], [180, 124, 81], [235, 203, 156],
    [235, 203, 156], [235, 203, 156], [235, 203, 156], [235, 203, 156], [235, 203, 156], [235, 203, 156],
];

#[rustfmt::skip]
const LUMINOUS: [[u8; 3]; 30] = [
    [254, 220, 183], [254, 219, 181], [254, 218, 181], [254, 218, 181], [254, 219, 181], [254, 219, 182],
    [254, 218, 181], [58, 128, 211], [51, 128, 217], [225, 80, 103], [246, 114, 105], [254, 218, 180],
    [254, 218, 180], [49, 123, 176], [87, 119, 175], [199, 73, 94], [208, 108, 95], [254, 217, 178],
    [254, 219, 182], [89, 108, 126], [96, 98, 114], [171, 86, 97], [176, 114, 95], [254, 218, 180],
    [254, 220, 183], [254, 219, 182], [254, 219, 182], [254, 219, 181], [254, 219, 181], [254, 219, 182],
];

#[rustfmt::skip]
const INK: [[u8; 3]; 30] = [
    [204, 200, 191], [204, 200, 191], [204, 200, 191], [204, 200, 191], [204, 200, 191], [204, 200, 191],
    [204, 200, 191], [29, 32, 46], [151, 149, 147], [155, 152, 150], [182, 178, 172], [204, 200, 191],
    [204, 200, 191], [151, 148, 147], [151, 149, 147], [151, 149, 147], [155, 153, 150], [204, 200, 191],
    [204, 200, 191], [40, 41, 55], [29, 32, 46], [151, 148, 147], [40, 42, 55], [204, 200, 191],
    [204, 200, 191], [204, 200, 191], [204, 200, 191], [204, 200, 191], [204, 200, 191], [204, 200, 191],
];
