//! What a picture's file says of itself.

use std::io::Cursor;

use image::codecs::{jpeg::JpegDecoder, png::PngDecoder, webp::WebPDecoder};
use image::{ImageDecoder, ImageFormat};

use super::harness::{Server, problem};
use super::pictures::{decoded, jpeg, png, png_with_alpha};

/// The XMP packet of a file, by another reader than ours.
fn xmp(file: &[u8]) -> String {
    let file = Cursor::new(file);
    let packet = match image::guess_format(file.get_ref()).unwrap() {
        ImageFormat::Png => PngDecoder::new(file).unwrap().xmp_metadata(),
        ImageFormat::Jpeg => JpegDecoder::new(file).unwrap().xmp_metadata(),
        _ => WebPDecoder::new(file).unwrap().xmp_metadata(),
    };
    String::from_utf8(packet.unwrap().expect("an XMP packet")).unwrap()
}

#[test]
fn every_format_says_what_drew_it() {
    let server = Server::start(&[]);
    for query in ["format=png", "format=jpeg", "format=webp", "format=webp&quality=lossless"] {
        for photo in [jpeg(30, 20), png_with_alpha(31, 21)] {
            let answer = server.draw(&format!("?{query}&strength=0.5&seed=7"), &photo);
            assert_eq!(answer.status(), 200, "{query}");
            let weights = answer.headers()["x-sakuga-weights"].to_str().unwrap().to_owned();
            let file = answer.bytes().unwrap();
            let xmp = xmp(&file);
            for said in [
                "Iptc4xmpExt:DigitalSourceType=\"http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia\"",
                "sakuga:model=\"anime\"",
                &format!("sakuga:weights=\"{weights}\""),
                "sakuga:parameters=\"strength=0.5 seed=7\"",
            ] {
                assert!(xmp.contains(said), "{query}: {said} is not in {xmp}");
            }
            decoded(&file);
            // Our own pictures are photos as good as others, and pass nothing on.
            let again = server.draw("?format=png", &file).bytes().unwrap();
            assert!(!self::xmp(&again).contains("seed=7"));
        }
    }
    let sheet = reqwest::blocking::Client::new().post(server.url("/v1/sheet")).body(png(30, 20)).send().unwrap();
    assert!(xmp(&sheet.bytes().unwrap()).contains("trainedAlgorithmicMedia"));
}

#[test]
fn lossless_webp_is_exact_and_jpeg_never_is() {
    let server = Server::start(&[]);
    for photo in [png(40, 30), png_with_alpha(40, 30)] {
        let drawn = |query: &str| decoded(&server.draw(query, &photo).bytes().unwrap());
        let (exact, format) = drawn("?format=webp&quality=lossless");
        assert_eq!(format, ImageFormat::WebP);
        assert_eq!(exact.to_rgba8(), drawn("?format=png").0.to_rgba8());
    }
    assert!(problem(server.draw("?quality=lossless", &jpeg(8, 8)), 400).contains("webp"));
    assert!(problem(server.draw("?quality=exact", &png(8, 8)), 400).contains("`lossless`"));
}
