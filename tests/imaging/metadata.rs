//! Orientation and colour profiles change the pixels; nothing else of a
//! file's metadata comes through.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use moxcms::ColorProfile;
use sakuga::imaging::encode;

use super::*;

/// The smallest EXIF block with an orientation, and a GPS-like text behind it.
fn exif(orientation: u8) -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0\x01\0".to_vec();
    tiff.extend_from_slice(&[0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
    tiff.extend_from_slice(&[0; 4]);
    tiff.extend_from_slice(b"GPS 35.6586 N 139.7454 E");
    tiff
}

/// `jpeg` with a segment behind its start marker.
fn with_segment(jpeg: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u16 + 2).to_be_bytes();
    let mut bytes = jpeg[..2].to_vec();
    bytes.extend_from_slice(&[0xFF, marker, length[0], length[1]]);
    bytes.extend_from_slice(content);
    bytes.extend_from_slice(&jpeg[2..]);
    bytes
}

/// `patches()` with an EXIF block, in three formats.
fn oriented(orientation: u8) -> [Vec<u8>; 3] {
    let (picture, rgb) = (patches(), ExtendedColorType::Rgb8);
    let jpeg = written_by_image(&picture, Format::Jpeg);
    let jpeg = with_segment(&jpeg, 0xE1, &[b"Exif\0\0", &exif(orientation)[..]].concat());
    let mut png = Vec::new();
    let mut encoder = PngEncoder::new(&mut png);
    encoder.set_exif_metadata(exif(orientation)).unwrap();
    encoder.write_image(&picture.rgb, 48, 32, rgb).unwrap();
    let mut webp = Vec::new();
    let mut encoder = WebPEncoder::new_lossless(&mut webp);
    encoder.set_exif_metadata(exif(orientation)).unwrap();
    encoder.write_image(&picture.rgb, 48, 32, rgb).unwrap();
    [jpeg, png, webp]
}

#[test]
fn every_orientation_is_applied() {
    // Which stored corner is seen at the top left, top right, bottom right and
    // bottom left (EXIF 2.3, 4.6.4, tag 274).
    let [a, b, c, d] = [RED, [128; 3], [128; 3], BLUE];
    // The inner patches tell right from left where both corners are grey.
    let seen = [
        (1, [a, b, c, d], false),
        (2, [b, a, d, c], false),
        (3, [c, d, a, b], false),
        (4, [d, c, b, a], false),
        (5, [a, d, c, b], true),
        (6, [d, a, b, c], true),
        (7, [c, b, a, d], true),
        (8, [b, c, d, a], true),
    ];
    for (orientation, corners, swapped) in seen {
        for bytes in oriented(orientation) {
            let Decoded { picture, format } = read(&bytes).unwrap();
            let (w, h) = if swapped { (32, 48) } else { (48, 32) };
            assert_eq!((picture.width, picture.height), (w, h), "{format} {orientation}");
            let at = [(8, 8), (w - 9, 8), (w - 9, h - 9), (8, h - 9)];
            for (corner, (x, y)) in corners.into_iter().zip(at) {
                assert_near(pixel(&picture, x, y), corner, 4);
            }
            // A third: a JPEG is read at half its sides, and turned at the end.
            let small = decode_fitted(&bytes, &Limits::default(), Some(16)).unwrap().picture;
            assert_eq!((small.width, small.height), if swapped { (11, 16) } else { (16, 11) });
            for (corner, (x, y)) in corners.into_iter().zip(at) {
                assert_near(pixel(&small, x / 3, y / 3), corner, 8);
            }
        }
    }
}

#[test]
fn alpha_turns_with_its_colors() {
    let picture = noise(5, 3, true);
    let rgba: Vec<u8> = picture
        .rgb
        .chunks_exact(3)
        .zip(picture.alpha.as_ref().unwrap())
        .flat_map(|(rgb, &a)| [rgb[0], rgb[1], rgb[2], a])
        .collect();
    let mut png = Vec::new();
    let mut encoder = PngEncoder::new(&mut png);
    encoder.set_exif_metadata(exif(6)).unwrap();
    encoder.write_image(&rgba, 5, 3, ExtendedColorType::Rgba8).unwrap();
    let turned = read(&png).unwrap().picture;
    assert_eq!((turned.width, turned.height), (3, 5));
    // Clockwise: the stored bottom left is seen at the top left.
    assert_eq!(pixel(&turned, 0, 0), pixel(&picture, 0, 2));
    assert_eq!(turned.alpha.unwrap()[0], picture.alpha.unwrap()[10]);
}

#[test]
fn webp_exif_with_the_prefix_of_jpeg_is_understood() {
    let mut webp = Vec::new();
    let mut encoder = WebPEncoder::new_lossless(&mut webp);
    let block = [b"Exif\0\0", &exif(6)[..]].concat();
    encoder.set_exif_metadata(block).unwrap();
    encoder.write_image(&patches().rgb, 48, 32, ExtendedColorType::Rgb8).unwrap();
    assert_eq!(read(&webp).unwrap().picture.width, 32);
}

#[test]
fn broken_exif_does_not_cost_the_picture() {
    let jpeg = written_by_image(&patches(), Format::Jpeg);
    for block in [&b"Exif\0\0"[..], b"Exif\0\0II*\0\xFF\xFF\xFF\xFF", b"Exif\0\0MM\0*\0\0\0\x08\xFF\xFF"] {
        let bytes = with_segment(&jpeg, 0xE1, block);
        assert_eq!(read(&bytes).unwrap(), read(&jpeg).unwrap());
    }
    for orientation in [0, 9, 255] {
        assert_eq!(read(&oriented(orientation)[0]).unwrap().picture.width, 48);
    }
}

/// One flat colour with a profile, as PNG, 8 or 16 bit, and what it is in sRGB.
fn through(profile: &[u8], color: [u8; 3], sixteen: bool) -> [u8; 3] {
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new(&mut bytes);
    encoder.set_icc_profile(profile.to_vec()).unwrap();
    if sixteen {
        let wide = color.map(|v| (u16::from(v) * 257).to_ne_bytes()).concat();
        encoder.write_image(&wide.repeat(64), 8, 8, ExtendedColorType::Rgb16).unwrap();
    } else {
        encoder.write_image(&color.repeat(64), 8, 8, ExtendedColorType::Rgb8).unwrap();
    }
    pixel(&read(&bytes).unwrap().picture, 4, 4)
}

#[test]
fn display_p3_becomes_srgb() {
    let p3 = ColorProfile::new_display_p3().encode().unwrap();
    // By the matrices of CSS Color 4, in double precision.
    for sixteen in [false, true] {
        assert_near(through(&p3, [153, 102, 77], sixteen), [162, 99, 72], 2);
        assert_near(through(&p3, [51, 153, 102], sixteen), [0, 156, 97], 2);
        // Neutral stays neutral; what sRGB cannot show is clipped.
        assert_near(through(&p3, [128, 128, 128], sixteen), [128, 128, 128], 1);
        assert_near(through(&p3, [255, 0, 0], sixteen), [255, 0, 0], 0);
    }
}

#[test]
fn an_srgb_profile_changes_nothing() {
    let srgb = ColorProfile::new_srgb().encode().unwrap();
    let picture = noise(64, 64, false);
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new(&mut bytes);
    encoder.set_icc_profile(srgb).unwrap();
    encoder.write_image(&picture.rgb, 64, 64, ExtendedColorType::Rgb8).unwrap();
    assert_eq!(read(&bytes).unwrap().picture, picture);
}

#[test]
fn a_jpeg_profile_is_converted() {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 100);
    let p3 = ColorProfile::new_display_p3().encode().unwrap();
    encoder.set_icc_profile(p3).unwrap();
    encoder.write_image(&[153, 102, 77].repeat(256), 16, 16, ExtendedColorType::Rgb8).unwrap();
    assert_near(pixel(&read(&bytes).unwrap().picture, 8, 8), [162, 99, 72], 3);
    assert_near(pixel(&read_small(&bytes).unwrap().picture, 2, 2), [162, 99, 72], 3);
}

#[test]
fn a_gray_profile_is_converted() {
    // Linear light: half of it is sRGB 188.
    let linear = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new(&mut bytes);
    encoder.set_icc_profile(linear).unwrap();
    encoder.write_image(&[128; 64], 8, 8, ExtendedColorType::L8).unwrap();
    assert_near(pixel(&read(&bytes).unwrap().picture, 4, 4), [188; 3], 1);
}

#[test]
fn a_cmyk_profile_is_converted() {
    let picture = read(&file("cmyk-profile.jpg")).unwrap().picture;
    // Little CMS, relative colorimetric, of the same file.
    assert_near(pixel(&picture, 8, 8), [171, 67, 5], 8);
    assert_near(pixel(&picture, 24, 8), [91, 109, 68], 8);
    assert_near(pixel(&picture, 8, 24), [87, 59, 104], 8);
    assert_near(pixel(&picture, 24, 24), WHITE, 2);
}

#[test]
fn an_unfit_profile_keeps_the_pixels() {
    let p3 = ColorProfile::new_display_p3().encode().unwrap();
    let gray = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
    let color = [153, 102, 77];
    for profile in [&b"no profile"[..], &p3[..100], &p3[..p3.len() / 2], &gray, &[0; 200]] {
        assert_eq!(through(profile, color, false), color);
        assert_eq!(through(profile, color, true), color);
    }
}

#[test]
fn nothing_but_pixels_is_passed_on() {
    let secret = b"GPS 35.6586 N";
    let mut photo = oriented(6)[0].clone();
    photo = with_segment(&photo, 0xFE, b"a comment: GPS 35.6586 N");
    photo = with_segment(&photo, 0xE1, b"http://ns.adobe.com/xap/1.0/\0<x>GPS 35.6586 N</x>");
    let has = |bytes: &[u8], needle: &[u8]| bytes.windows(needle.len()).any(|w| w == needle);
    assert!(has(&photo, secret));
    let picture = read(&photo).unwrap().picture;
    for format in [Format::Jpeg, Format::Png, Format::WebP] {
        let bytes = encode(&picture, format, None).unwrap();
        for needle in [&secret[..], b"Exif", b"EXIF", b"eXIf", b"tEXt", b"iTXt", b"iCCP", b"ICC", b"XMP"] {
            assert!(!has(&bytes, needle), "{format} holds {:?}", needle.escape_ascii());
        }
        // Written once more with an orientation it would be turned again.
        assert_eq!(read(&bytes).unwrap().picture.width, picture.width);
    }
}
