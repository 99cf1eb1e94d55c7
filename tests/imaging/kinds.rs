//! Every kind of file that we promise to read.

use image::codecs::png::PngEncoder;

use super::*;

#[track_caller]
fn assert_patches(picture: &Picture, tolerance: u8) {
    assert_eq!((picture.width, picture.height), (32, 32));
    assert_near(pixel(picture, 8, 8), RED, tolerance);
    assert_near(pixel(picture, 24, 8), GREEN, tolerance);
    assert_near(pixel(picture, 8, 24), BLUE, tolerance);
    assert_near(pixel(picture, 24, 24), WHITE, tolerance);
}

#[test]
fn a_photo_is_read() {
    let decoded = read(&file("astronaut.jpg")).unwrap();
    assert_eq!(decoded.format, Format::Jpeg);
    let picture = decoded.picture;
    assert_eq!((picture.width, picture.height), (512, 512));
    assert_eq!(picture.rgb.len(), 512 * 512 * 3);
    assert!(picture.alpha.is_none());
    // The orange of her suit, and the dark of the shuttle's window.
    let [r, g, b] = pixel(&picture, 170, 330);
    assert!(r > g && g > b, "{:?}", [r, g, b]);
}

#[test]
fn jpeg_of_every_kind_is_read() {
    for name in ["cmyk.jpg", "ycck.jpg", "progressive.jpg", "rgb.jpg", "restarts.jpg"] {
        let decoded = read(&file(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(decoded.format, Format::Jpeg);
        assert_patches(&decoded.picture, 5);
    }
}

#[test]
fn gray_jpeg_is_read() {
    let picture = read(&file("gray.jpg")).unwrap().picture;
    for (at, gray) in [((8, 8), 81), ((24, 8), 121), ((8, 24), 70), ((24, 24), 255)] {
        assert_near(pixel(&picture, at.0, at.1), [gray; 3], 2);
    }
}

#[test]
fn every_format_is_told_by_its_bytes_and_read() {
    let picture = patches();
    for format in FORMATS {
        let bytes = written_by_image(&picture, format);
        assert_eq!(Format::sniff(&bytes), Some(format));
        let decoded = read(&bytes).unwrap_or_else(|e| panic!("{format}: {e}"));
        assert_eq!(decoded.format, format);
        let tolerance = if format == Format::Jpeg { 4 } else { 0 };
        assert_near(pixel(&decoded.picture, 8, 24), BLUE, tolerance);
        assert_near(pixel(&decoded.picture, 40, 8), [128; 3], tolerance);
    }
}

#[test]
fn palettes_are_read() {
    for (name, format) in [("palette.png", Format::Png), ("palette.bmp", Format::Bmp)] {
        let decoded = read(&file(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(decoded.format, format);
        assert_patches(&decoded.picture, 0);
        assert!(decoded.picture.alpha.is_none());
    }
}

#[test]
fn a_palette_entry_can_be_clear() {
    let picture = read(&file("palette-clear.png")).unwrap().picture;
    let alpha = picture.alpha.unwrap();
    assert_eq!((alpha[0], alpha[32 * 32 - 1]), (255, 0));
}

#[test]
fn one_bit_gray_is_read() {
    let picture = read(&file("bits.png")).unwrap().picture;
    assert_eq!(pixel(&picture, 8, 8), [0; 3]);
    assert_eq!(pixel(&picture, 24, 24), [255; 3]);
}

#[test]
fn sixteen_bits_are_rounded_to_eight() {
    // Grey, grey with alpha, RGB and RGBA, of the levels' nearest neighbours:
    // 257 × level ± 128 must all come back as the level.
    let near = |level: u8, off: i32| {
        let value = (i32::from(level) * 257 + off).clamp(0, 65_535) as u16;
        value.to_ne_bytes()
    };
    for (kind, channels) in [
        (ExtendedColorType::L16, 1),
        (ExtendedColorType::La16, 2),
        (ExtendedColorType::Rgb16, 3),
        (ExtendedColorType::Rgba16, 4),
    ] {
        for off in [-128, 0, 128] {
            let samples: Vec<u8> = (0..=255).flat_map(|level| near(level, off).repeat(channels)).collect();
            let mut bytes = Vec::new();
            PngEncoder::new(&mut bytes).write_image(&samples, 16, 16, kind).unwrap();
            let picture = read(&bytes).unwrap().picture;
            let levels: Vec<u8> = (0..=255).collect();
            let rgb: Vec<u8> = levels.iter().flat_map(|&v| [v; 3]).collect();
            assert_eq!(picture.rgb, rgb, "{kind:?} {off}");
            let alpha = (channels % 2 == 0).then_some(levels);
            assert_eq!(picture.alpha, alpha, "{kind:?} {off}");
        }
    }
}

#[test]
fn alpha_is_kept() {
    let picture = noise(17, 9, true);
    let rgba: Vec<u8> = picture
        .rgb
        .chunks_exact(3)
        .zip(picture.alpha.as_ref().unwrap())
        .flat_map(|(rgb, &a)| [rgb[0], rgb[1], rgb[2], a])
        .collect();
    let mut png = Vec::new();
    PngEncoder::new(&mut png).write_image(&rgba, 17, 9, ExtendedColorType::Rgba8).unwrap();
    let mut webp = Vec::new();
    image::codecs::webp::WebPEncoder::new_lossless(&mut webp)
        .write_image(&rgba, 17, 9, ExtendedColorType::Rgba8)
        .unwrap();
    assert_eq!(read(&png).unwrap().picture, picture);
    assert_eq!(read(&webp).unwrap().picture, picture);
}

#[test]
fn a_clear_color_of_a_gif_is_alpha() {
    let mut rgba = [RED[0], RED[1], RED[2], 255].repeat(16 * 8);
    rgba[..4].copy_from_slice(&[0, 0, 0, 0]);
    let mut bytes = Vec::new();
    image::codecs::gif::GifEncoder::new(&mut bytes).encode(&rgba, 16, 8, ExtendedColorType::Rgba8).unwrap();
    let picture = read(&bytes).unwrap().picture;
    let alpha = picture.alpha.unwrap();
    assert_eq!((alpha[0], alpha[1]), (0, 255));
}

#[test]
fn the_first_frame_of_the_animated_is_read() {
    for (name, format) in [
        ("animated.webp", Format::WebP),
        ("animated.png", Format::Png),
        ("animated.gif", Format::Gif),
        ("two.mpo", Format::Jpeg),
    ] {
        let decoded = read(&file(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(decoded.format, format);
        let picture = decoded.picture;
        assert_eq!((picture.width, picture.height), (24, 16), "{name}");
        assert!(picture.alpha.is_none(), "{name}");
        assert_near(pixel(&picture, 12, 8), RED, 2);
    }
}

#[test]
fn one_pixel_is_a_picture() {
    let picture = noise(1, 1, false);
    for format in FORMATS {
        let decoded = read(&written_by_image(&picture, format)).unwrap();
        assert_eq!((decoded.picture.width, decoded.picture.height), (1, 1));
    }
}

#[test]
fn what_follows_the_picture_does_not_matter() {
    for format in FORMATS {
        let mut bytes = written_by_image(&patches(), format);
        let alone = read(&bytes).unwrap();
        bytes.extend_from_slice(&[0xFF, 0xD8, 0xFF, 0xDA, 0, 1, 2, 3].repeat(100));
        assert_eq!(read(&bytes).unwrap(), alone, "{format}");
    }
}
