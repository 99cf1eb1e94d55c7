//! What we write.

use sakuga::imaging::{EncodeError, Provenance, Quality, encode};

use super::*;

const WRITTEN: [Format; 3] = [Format::Jpeg, Format::Png, Format::WebP];

fn photo() -> Picture {
    read(&file("coffee.jpg")).unwrap().picture
}

/// Root mean square difference of two pictures' colours.
fn difference(a: &Picture, b: &Picture) -> f64 {
    assert_eq!((a.width, a.height), (b.width, b.height));
    let squares = a.rgb.iter().zip(&b.rgb).map(|(&a, &b)| f64::from(a.abs_diff(b)).powi(2));
    (squares.sum::<f64>() / a.rgb.len() as f64).sqrt()
}

#[test]
fn a_photo_comes_back_as_it_was() {
    let photo = photo();
    for (format, tolerance) in [(Format::Png, 0.0), (Format::Jpeg, 3.5), (Format::WebP, 4.5)] {
        let bytes = encode(&photo, format, None).unwrap();
        assert_eq!(Format::sniff(&bytes), Some(format));
        let difference = difference(&photo, &read(&bytes).unwrap().picture);
        assert!(difference <= tolerance, "{format}: {difference}");
    }
}

#[test]
fn the_same_picture_gives_the_same_bytes() {
    let photo = photo();
    for format in WRITTEN {
        let once = encode(&photo, format, Some(80)).unwrap();
        assert_eq!(once, encode(&photo, format, Some(80)).unwrap(), "{format}");
    }
}

#[test]
fn quality_is_followed_where_it_means_something() {
    let photo = photo();
    for format in [Format::Jpeg, Format::WebP] {
        let size = |q| encode(&photo, format, q).unwrap().len();
        assert!(size(Some(30)) < size(Some(75)) && size(Some(75)) < size(None), "{format}");
        assert_eq!(size(None), size(Some(90)), "{format}");
    }
    let png = |q| encode(&photo, Format::Png, q).unwrap();
    assert_eq!(png(Some(1)), png(Some(100)));
}

#[test]
fn alpha_is_written_where_there_is_some() {
    let mut picture = patches();
    let alpha: Vec<u8> = (0..48 * 32).map(|i| (i % 48 * 5) as u8).collect();
    picture.alpha = Some(alpha.clone());
    let png = read(&encode(&picture, Format::Png, None).unwrap()).unwrap().picture;
    assert_eq!(png, picture);
    let webp = read(&encode(&picture, Format::WebP, None).unwrap()).unwrap().picture;
    assert_eq!(webp.alpha.unwrap(), alpha);
    for format in WRITTEN {
        let opaque = encode(&patches(), format, None).unwrap();
        assert!(read(&opaque).unwrap().picture.alpha.is_none());
    }
}

#[test]
fn alpha_is_laid_on_white_in_jpeg() {
    let mut picture = patches();
    let clear_left = |i: usize| if i % 48 < 16 { 0 } else { 128 };
    picture.alpha = Some((0..48 * 32).map(clear_left).collect());
    let jpeg = read(&encode(&picture, Format::Jpeg, Some(100)).unwrap()).unwrap().picture;
    assert!(jpeg.alpha.is_none());
    assert_near(pixel(&jpeg, 4, 8), WHITE, 2);
    assert_near(pixel(&jpeg, 28, 8), [142, 217, 157], 3);
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let picture = patches();
    for format in [Format::Gif, Format::Bmp] {
        assert!(!format.writable());
        let refused = encode(&picture, format, None);
        assert!(matches!(refused, Err(EncodeError::NotWritten(f)) if f == format));
    }
    for quality in [0, 101, 255] {
        let refused = encode(&picture, Format::Png, Some(quality));
        assert!(matches!(refused, Err(EncodeError::Quality(q)) if q == quality));
    }
    let wide = Picture { width: 16_384, height: 1, rgb: vec![0; 3 * 16_384], alpha: None };
    let refused = encode(&wide, Format::WebP, None).unwrap_err();
    assert!(refused.to_string().contains("16383"), "{refused}");
    assert!(encode(&wide, Format::Jpeg, None).is_ok());
}

#[test]
fn a_lossless_picture_is_exact_even_where_nobody_sees_it() {
    let mut picture = noise(37, 23, true);
    picture.alpha.as_mut().unwrap()[..200].fill(0);
    for format in [Format::Png, Format::WebP] {
        let bytes = encode(&picture, format, Quality::Lossless).unwrap();
        assert_eq!(read(&bytes).unwrap().picture, picture, "{format}");
    }
    assert!(matches!(encode(&picture, Format::Jpeg, Quality::Lossless), Err(EncodeError::Lossy(Format::Jpeg))));
}

#[test]
fn a_mark_of_provenance_changes_no_pixel() {
    let provenance = Provenance {
        model: "an \"odd\" <name> & more\u{1}".into(),
        weights: "00ff".into(),
        parameters: vec![("style", "cel:0.5,ink:0.5".into()), ("seed", "7".into())],
    };
    for (width, height, alpha) in [(1, 1, false), (5, 3, true), (48, 32, false), (33, 17, true)] {
        let picture = noise(width, height, alpha);
        for format in WRITTEN {
            for quality in [Quality::Level(80), Quality::Lossless] {
                let Ok(plain) = encode(&picture, format, quality) else { continue };
                let marked = provenance.mark(plain.clone(), format, &picture);
                assert_eq!(read(&marked).unwrap().picture, read(&plain).unwrap().picture, "{format} {quality}");
                assert_eq!(marked, provenance.mark(plain, format, &picture));
                let text = String::from_utf8_lossy(&marked);
                for said in [
                    "an &quot;odd&quot; &lt;name> &amp; more\"",
                    "trainedAlgorithmicMedia",
                    "style=cel:0.5,ink:0.5 seed=7",
                ] {
                    assert!(text.contains(said), "{format}: {said}");
                }
            }
        }
    }
}
