//! What must be refused: always with an error, never with a panic or half a
//! picture.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn assert_unsupported(bytes: &[u8], needle: &str) {
    match read(bytes) {
        Err(error @ DecodeError::Unsupported { .. }) => {
            let text = error.to_string();
            assert!(text.contains(needle), "{text}");
            assert!(text.contains("JPEG, PNG, WebP, GIF and BMP"), "{text}");
        }
        other => panic!("{:?}", other.map(|d| d.format)),
    }
}

#[test]
fn what_we_do_not_read_is_named() {
    assert_unsupported(b"", "an empty file");
    assert_unsupported(b"hello", "not a picture");
    assert_unsupported(b"BM is how this letter begins, dear", "not a picture");
    assert_unsupported(b"II*\0\x08\0\0\0", "TIFF");
    assert_unsupported(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "Most Compatible");
    assert_unsupported(b"\0\0\0\x1Cftypavif\0\0\0\0", "AVIF");
    assert_unsupported(b"\0\0\0\x18ftypmp42\0\0\0\0", "video");
    assert_unsupported(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG");
    assert_unsupported(b"RIFF\x04\0\0\0WAVE", "not a picture");
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let picture = noise(23, 14, false);
    let mut files: Vec<(String, Vec<u8>)> =
        FORMATS.iter().map(|&format| (format.to_string(), written_by_image(&picture, format))).collect();
    let names = [
        "progressive.jpg",
        "restarts.jpg",
        "cmyk.jpg",
        "animated.webp",
        "animated.gif",
        "animated.png",
        "palette.bmp",
        "palette.png",
    ];
    files.extend(names.map(|name| (name.to_owned(), file(name))));
    for (name, bytes) in files {
        read(&bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        for cut in 0..bytes.len() {
            assert!(read(&bytes[..cut]).is_err(), "{name} cut at {cut} of {}", bytes.len());
            assert!(read_small(&bytes[..cut]).is_err(), "{name} cut at {cut} of {}, small", bytes.len());
        }
    }
}

#[test]
fn a_photo_cut_off_says_so() {
    let bytes = file("astronaut.jpg");
    for cut in [1000, bytes.len() / 2, bytes.len() - 2, bytes.len() - 1] {
        match read(&bytes[..cut]) {
            Err(DecodeError::Truncated { format: Format::Jpeg }) => {}
            other => panic!("cut at {cut}: {:?}", other.map(|d| d.format)),
        }
    }
}

#[test]
fn a_jpeg_cut_in_its_first_picture_is_refused_though_a_second_follows() {
    // The walk must not take a thumbnail's end for the picture's.
    let mut whole = written_by_image(&noise(16, 16, false), Format::Jpeg);
    let thumbnail = whole.clone();
    let length = (thumbnail.len() as u16 + 2).to_be_bytes();
    let segment = [&[0xFF, 0xE1, length[0], length[1]], &thumbnail[..]].concat();
    whole.splice(2..2, segment);
    read(&whole).unwrap();
    whole.truncate(whole.len() - 2);
    assert!(matches!(read(&whole), Err(DecodeError::Truncated { .. })));
}

#[test]
fn a_jpeg_whose_data_stop_before_its_end_marker_is_refused() {
    for name in ["astronaut.jpg", "coffee.jpg", "restarts.jpg", "progressive.jpg"] {
        let bytes = file(name);
        let scan = bytes.windows(2).rposition(|w| w == [0xFF, 0xDA]).unwrap();
        let start = scan + 2 + usize::from(bytes[scan + 3]);
        for eighth in 1..8 {
            let cut = start + (bytes.len() - 2 - start) * eighth / 8;
            // Not between a 0xFF and its stuffing.
            let cut = if bytes[cut - 1] == 0xFF { cut - 1 } else { cut };
            let closed = [&bytes[..cut], &[0xFF, 0xD9]].concat();
            assert!(read(&closed).is_err(), "{name}, {eighth}/8 of its last scan");
            assert!(read_small(&closed).is_err(), "{name}, {eighth}/8 of its last scan, small");
        }
    }
}

/// A PNG that declares 50,000×50,000 pixels and holds none.
fn huge_png() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0DIHDR".to_vec();
    bytes.extend_from_slice(&50_000u32.to_be_bytes().repeat(2));
    bytes.extend_from_slice(&[8, 2, 0, 0, 0, 0, 0, 0, 0]);
    bytes
}

#[test]
fn too_many_pixels_are_refused_by_the_header() {
    match read(&huge_png()) {
        Err(error @ DecodeError::TooManyPixels { .. }) => assert_eq!(
            error.to_string(),
            "the picture is 50000×50000, 2500 megapixels; the limit is 50 megapixels: \
             shrink it first"
        ),
        other => panic!("{:?}", other.map(|d| d.format)),
    }
}

#[test]
fn the_pixel_limit_is_the_given_one_in_every_format() {
    let picture = noise(20, 10, false);
    for format in FORMATS {
        let bytes = written_by_image(&picture, format);
        assert!(decode(&bytes, &Limits { max_pixels: 200 }).is_ok(), "{format}");
        let refused = decode(&bytes, &Limits { max_pixels: 199 });
        assert!(
            matches!(refused, Err(DecodeError::TooManyPixels { width: 20, height: 10, max_pixels: 199 })),
            "{format}"
        );
    }
}

#[test]
fn a_frame_larger_than_its_gif_costs_no_memory() {
    // A screen of 1×1 with a frame of 65535×65535.
    let mut bytes = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xFF\xFF\xFF".to_vec();
    bytes.extend_from_slice(b",\0\0\0\0\xFF\xFF\xFF\xFF\0\x02\x02L\x01\0;");
    assert!(matches!(read(&bytes), Err(DecodeError::Undecodable { .. })));
}

#[test]
fn thousands_of_scans_are_counted_and_refused() {
    let progressive = file("progressive.jpg");
    for bytes in [progressive, written_by_image(&noise(64, 64, false), Format::Jpeg)] {
        let last = bytes.windows(2).rposition(|w| w == [0xFF, 0xDA]).unwrap();
        let scan = &bytes[last..bytes.len() - 2];
        let bomb = [&bytes[..last], &scan.repeat(5000), &[0xFF, 0xD9]].concat();
        let refused = read(&bomb).map(|_| ()).unwrap_err().to_string();
        assert!(refused.contains("scans; the limit is"), "{refused}");
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(
        magic in 0usize..6,
        tail in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let magics: [&[u8]; 6] = [
            b"",
            b"\xFF\xD8\xFF",
            b"\x89PNG\r\n\x1a\n\0\0\0\x0DIHDR\0\0\0\x08\0\0\0\x08\x08\x02\0\0\0",
            b"RIFF\x20\0\0\0WEBPVP8 ",
            b"GIF89a\x08\0\x08\0\x80",
            b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x08\0\0\0\x08\0\0\0\x01\0\x18\0",
        ];
        // Some random pixels of a bitmap are a picture; nothing else may be.
        let read = read(&[magics[magic], &tail].concat());
        prop_assert!(read.is_err() || magic == 5);
    }

    #[test]
    fn a_damaged_file_is_a_picture_of_its_size_or_an_error(
        format in 0usize..5,
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = written_by_image(&noise(19, 13, false), FORMATS[format]);
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let limits = Limits { max_pixels: 1_000_000 };
        if let Ok(decoded) = decode(&bytes, &limits) {
            let picture = decoded.picture;
            let pixels = picture.width as usize * picture.height as usize;
            prop_assert!(pixels > 0 && pixels <= 1_000_000);
            prop_assert_eq!(picture.rgb.len(), 3 * pixels);
        }
        if let Ok(decoded) = decode_fitted(&bytes, &limits, Some(5)) {
            let picture = decoded.picture;
            prop_assert!(picture.width.max(picture.height) <= 5);
            prop_assert_eq!(picture.rgb.len(), 3 * (picture.width * picture.height) as usize);
        }
    }
}
