//! Every style on one sheet.

use reqwest::blocking::{Client, Response};

use super::harness::{Server, problem};
use super::pictures::{decoded, jpeg, png};

fn sheet(server: &Server, query: &str, photo: &[u8]) -> Response {
    Client::new().post(server.url(&format!("/v1/sheet{query}"))).body(photo.to_vec()).send().unwrap()
}

#[test]
fn a_sheet_shows_the_photo_and_every_style() {
    let server = Server::start(&[]);
    let photo = png(60, 40);
    let answer = sheet(&server, "", &photo);
    assert_eq!(answer.status(), 200);
    assert_eq!(
        (&answer.headers()["content-type"], &answer.headers()["x-sakuga-styles"]),
        (&"image/png".parse().unwrap(), &"cel".parse().unwrap())
    );
    let (sheet_picture, _) = decoded(&answer.bytes().unwrap());
    // Two cells and three gaps of 8.
    assert_eq!((sheet_picture.width(), sheet_picture.height()), (2 * 60 + 24, 40 + 16));
    let sheet_picture = sheet_picture.to_rgb8();
    let (photo_picture, _) = decoded(&photo);
    let (drawn, _) = decoded(&server.draw("", &photo).bytes().unwrap());
    for (left, cell) in [(8, photo_picture.to_rgb8()), (76, drawn.to_rgb8())] {
        for (x, y, pixel) in cell.enumerate_pixels() {
            assert_eq!(sheet_picture.get_pixel(left + x, 8 + y), pixel);
        }
    }
    let small = sheet(&server, "?max_side=30&format=jpeg", &photo);
    assert_eq!(decoded(&small.bytes().unwrap()).0.width(), 2 * 30 + 24);
}

#[test]
fn what_a_sheet_cannot_show_is_explained() {
    let server = Server::start(&[]);
    for (query, expected) in [("?style=cel", "`style`"), ("?size=original", "`size`"), ("?max_side=513", "1 to 512")] {
        let detail = problem(sheet(&server, query, &jpeg(8, 8)), 400);
        assert!(detail.contains(expected), "{detail}");
    }
    problem(sheet(&server, "", b"plain text"), 415);
    server.assert_works();
}
