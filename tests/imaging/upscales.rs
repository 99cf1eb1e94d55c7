//! Drawings brought back to the photo's size.

use super::noise;
use sakuga::imaging::{Picture, resize, upscale};

/// A photo of hard edges that a smaller one has lost.
fn edges(side: u32) -> Picture {
    let value = |x: u32, y: u32| if (x / 5 + y / 7).is_multiple_of(2) { 30 } else { 220 };
    let rgb = (0..side * side).flat_map(|i| [value(i % side, i / side); 3]).collect();
    Picture { width: side, height: side, rgb, alpha: None }
}

/// Mean absolute difference in levels.
fn off(a: &Picture, b: &Picture) -> f64 {
    assert_eq!((a.width, a.height), (b.width, b.height));
    let sum: u32 = a.rgb.iter().zip(&b.rgb).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
    f64::from(sum) / a.rgb.len() as f64
}

#[test]
fn a_drawing_that_follows_the_photo_has_its_edges() {
    let photo = edges(200);
    let seen = resize::to(&photo, 70, 70);
    // Darker, and with less contrast, than the photo.
    let drawn = |picture: &Picture| {
        let rgb = picture.rgb.iter().map(|value| value / 2 + 20).collect();
        Picture { rgb, ..picture.clone() }
    };
    let (drawing, ideal) = (drawn(&seen), drawn(&photo));
    let (guided, plain) = (upscale::guided(&drawing, &seen, &photo), resize::to(&drawing, 200, 200));
    assert!(off(&guided, &ideal) < off(&plain, &ideal) / 3.0, "{} {}", off(&guided, &ideal), off(&plain, &ideal));
}

#[test]
fn what_the_photo_does_not_have_is_scaled_plainly() {
    let photo = noise(90, 300, false);
    let flat = Picture { rgb: vec![128; 3 * 90 * 300], ..photo.clone() };
    let drawing = resize::to(&edges(60), 33, 111);
    let guided = upscale::guided(&drawing, &resize::to(&flat, 33, 111), &flat);
    assert!(off(&guided, &resize::to(&drawing, 90, 300)) < 0.6);
    // And where nothing is drawn, nothing of the photo shows.
    let blank = Picture { width: 33, height: 111, rgb: vec![77; 3 * 33 * 111], alpha: None };
    let guided = upscale::guided(&blank, &resize::to(&photo, 33, 111), &photo);
    assert!(guided.rgb.iter().all(|value| *value == 77));
}

#[test]
fn bands_leave_no_trace() {
    // Taller than one band: what lies far below changes nothing above.
    let photo = edges(400);
    let seen = resize::to(&photo, 200, 200);
    let rows = |picture: &Picture, height: u32| Picture {
        rgb: picture.rgb[..(3 * picture.width * height) as usize].to_vec(),
        height,
        ..picture.clone()
    };
    let whole = upscale::guided(&seen, &seen, &photo);
    let part = upscale::guided(&rows(&seen, 120), &rows(&seen, 120), &rows(&photo, 240));
    assert_eq!(rows(&whole, 220), rows(&part, 220));
}

#[test]
fn every_size_is_taken() {
    for (low, high) in [((1, 1), (1, 2)), ((1, 3), (7, 9)), ((5, 1), (11, 1))] {
        let photo = noise(high.0, high.1, false);
        let seen = resize::to(&photo, low.0, low.1);
        let guided = upscale::guided(&seen, &seen, &photo);
        assert_eq!((guided.width, guided.height, guided.rgb.len()), (high.0, high.1, photo.rgb.len()));
    }
}
