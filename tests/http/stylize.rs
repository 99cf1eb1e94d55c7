//! Good photos.

use image::{GenericImageView, ImageFormat};

use super::harness::{Server, form};
use super::pictures::{self, decoded, gradient, jpeg, jpeg_on_its_side, png, png_with_alpha};

#[test]
fn a_form_and_a_raw_body_draw_the_same_picture() {
    let server = Server::start(&[]);
    let photo = jpeg(60, 40);
    let from_form = server.draw_form(&photo, &[("strength", "0.5")]);
    let from_body = server.draw("?strength=0.5", &photo);
    assert_eq!(from_form.status(), 200);
    assert_eq!(from_body.status(), 200);
    assert_eq!(from_form.headers()["content-type"], "image/jpeg");
    let (from_form, from_body) = (from_form.bytes().unwrap(), from_body.bytes().unwrap());
    assert_eq!(from_form, from_body, "the same request gives the same bytes");
    let (picture, format) = decoded(&from_form);
    assert_eq!((picture.dimensions(), format), ((60, 40), ImageFormat::Jpeg));
}

#[test]
fn the_query_counts_with_a_form_too() {
    let server = Server::start(&[]);
    let answer = server.stylize("?format=webp").multipart(form(&jpeg(20, 20), &[("quality", "50")])).send().unwrap();
    assert_eq!(answer.headers()["content-type"], "image/webp");
}

#[test]
fn every_size_comes_back_as_it_went_in() {
    let server = Server::start(&[]);
    for (width, height) in [(1, 1), (1, 7), (3, 2), (16, 16), (33, 65), (256, 1)] {
        let answer = server.draw("", &png(width, height));
        assert_eq!(answer.status(), 200, "{width}x{height}");
        let (picture, _) = decoded(&answer.bytes().unwrap());
        assert_eq!(picture.dimensions(), (width, height));
    }
}

#[test]
fn a_photo_on_its_side_comes_back_upright() {
    let server = Server::start(&[]);
    let (picture, _) = decoded(&server.draw("?format=png&strength=0", &jpeg_on_its_side(60, 40)).bytes().unwrap());
    assert_eq!(picture.dimensions(), (40, 60));
    // Red, which grew to the right, now grows to the bottom.
    let red = |y: u32| picture.to_rgb8().get_pixel(20, y).0[0];
    assert!(red(5) < 50 && red(55) > 150, "{} {}", red(5), red(55));
}

#[test]
fn large_photos_are_fitted_and_brought_back_on_request() {
    let server = Server::start(&[]);
    let photo = png(400, 300);
    let size = |query: &str| decoded(&server.draw(query, &photo).bytes().unwrap()).0.dimensions();
    assert_eq!(size(""), (256, 192), "the card's longest side");
    assert_eq!(size("?max_side=100"), (100, 75));
    assert_eq!(size("?max_side=1000"), (400, 300), "never enlarged");
    assert_eq!(size("?max_side=100&size=original"), (400, 300));
    assert_eq!(size("?max_side=1"), (1, 1), "no side falls under 1");
}

#[test]
fn strength_goes_from_the_photo_to_the_drawing() {
    let server = Server::start(&[]);
    let photo = gradient(64, 48);
    let drawn = |query: &str| {
        let answer = server.draw(query, &pictures::encoded(photo.clone(), ImageFormat::Png));
        decoded(&answer.bytes().unwrap()).0.to_rgb8()
    };
    assert_eq!(drawn("?strength=0"), photo);
    assert_eq!(drawn("?strength=0&size=original&max_side=16"), photo, "the photo at its own size");
    let (half, full) = (drawn("?strength=0.5"), drawn(""));
    assert_ne!(full, photo);
    let distance =
        |a: &image::RgbImage| a.iter().zip(photo.iter()).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>();
    let share = distance(&half) / distance(&full);
    assert!((0.4..0.6).contains(&share), "half the strength is {share} of the way");
}

#[test]
fn alpha_is_kept_and_laid_on_white_for_jpeg() {
    let server = Server::start(&[]);
    let photo = png_with_alpha(40, 20);
    let alpha = |x: u32, picture: &image::DynamicImage| picture.to_rgba8().get_pixel(x, 10).0[3];
    for query in ["", "?size=original&max_side=20", "?format=webp"] {
        let (picture, _) = decoded(&server.draw(query, &photo).bytes().unwrap());
        assert_eq!(picture.dimensions(), (40, 20));
        assert_eq!((alpha(5, &picture), alpha(35, &picture)), (255, 0), "{query}");
    }
    let (picture, format) = decoded(&server.draw("?format=jpeg", &photo).bytes().unwrap());
    assert_eq!(format, ImageFormat::Jpeg);
    let clear = picture.to_rgb8().get_pixel(35, 10).0;
    assert!(clear.iter().all(|value| *value > 250), "{clear:?}");
}

#[test]
fn the_format_is_asked_for_or_accepted_or_the_photos_own() {
    let server = Server::start(&[]);
    let gif = pictures::encoded(gradient(20, 20), ImageFormat::Gif);
    let bmp = pictures::encoded(gradient(20, 20), ImageFormat::Bmp);
    let webp = pictures::encoded(gradient(20, 20), ImageFormat::WebP);
    for (photo, query, accept, expected) in [
        (&jpeg(20, 20), "", "*/*", "image/jpeg"),
        (&png(20, 20), "", "*/*", "image/png"),
        (&webp, "", "*/*", "image/webp"),
        (&gif, "", "*/*", "image/png"),
        (&bmp, "", "*/*", "image/png"),
        (&jpeg(20, 20), "", "image/webp, */*;q=0.1", "image/webp"),
        (&jpeg(20, 20), "?format=png", "image/webp", "image/png"),
        (&png(20, 20), "?format=jpeg&quality=5", "*/*", "image/jpeg"),
    ] {
        let answer = server.stylize(query).header("accept", accept).body(photo.clone()).send().unwrap();
        assert_eq!(answer.headers()["content-type"], expected, "{query} {accept}");
        assert_eq!(answer.headers()["vary"], "accept");
        let bytes = answer.bytes().unwrap();
        assert_eq!(
            image::guess_format(&bytes).unwrap().to_mime_type(),
            expected,
            "the bytes keep what the header says"
        );
    }
}

#[test]
fn quality_changes_the_bytes() {
    let server = Server::start(&[]);
    let photo = pictures::noise(64, 64);
    let length = |query: &str| server.draw(query, &photo).bytes().unwrap().len();
    assert!(length("?format=jpeg&quality=10") * 2 < length("?format=jpeg&quality=95"));
}

#[test]
fn an_answer_says_how_it_was_made() {
    let server = Server::start(&[]);
    let answer = server.stylize("?model=anime&style=cel&seed=3").header("x-request-id", "order-7").body(jpeg(30, 30));
    let answer = answer.send().unwrap();
    assert_eq!(answer.status(), 200);
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("x-request-id"), "order-7");
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("x-sakuga-model"), "anime");
    assert_eq!(header("x-sakuga-weights").len(), 64);
    let timing = header("server-timing");
    let stages: Vec<(&str, f64)> = timing
        .split(", ")
        .map(|stage| stage.split_once(";dur=").map(|(name, ms)| (name, ms.parse().unwrap())).unwrap())
        .collect();
    assert_eq!(stages.iter().map(|stage| stage.0).collect::<Vec<_>>(), ["decode", "queue", "infer", "encode"]);
    assert!(stages.iter().all(|stage| stage.1 >= 0.0) && stages[2].1 > 0.0, "{timing}");

    let named = server.get("/livez").headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!((named.len(), &named[14..15]), (36, "7"), "a UUID v7");
    let refused = server.stylize("").header("x-request-id", "a b").body(jpeg(30, 30)).send().unwrap();
    assert_ne!(refused.headers()["x-request-id"], "a b");
}
