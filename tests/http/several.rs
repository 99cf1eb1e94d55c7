//! Several photos in one form.

use std::io::{Cursor, Read};

use reqwest::blocking::multipart::{Form, Part};
use serde_json::Value;
use zip::ZipArchive;

use super::harness::{Server, problem};
use super::pictures::{decoded, jpeg, png};

fn form(photos: &[Vec<u8>]) -> Form {
    photos.iter().fold(Form::new().text("max_side", "32"), |form, photo| {
        form.part("image", Part::bytes(photo.clone()).file_name("../../evil.sh"))
    })
}

#[test]
fn several_photos_come_back_in_a_zip() {
    let server = Server::start(&[]);
    let photos = [jpeg(64, 40), png(20, 30), jpeg(64, 40)];
    let send = || server.stylize("").multipart(form(&photos)).send().unwrap();
    let answer = send();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/zip");
    assert_eq!(answer.headers()["x-sakuga-model"], "anime");
    let bytes = answer.bytes().unwrap();
    assert_eq!(bytes, send().bytes().unwrap(), "the same request gives the same bytes");
    let mut archive = ZipArchive::new(Cursor::new(bytes.to_vec())).unwrap();
    let names: Vec<String> = (0..3).map(|place| archive.by_index(place).unwrap().name().unwrap().to_string()).collect();
    assert_eq!(names, ["001.jpg", "002.png", "003.jpg"], "no name is the client's");
    for (place, size) in [(32, 20), (20, 30), (32, 20)].into_iter().enumerate() {
        let mut file = Vec::new();
        archive.by_index(place).unwrap().read_to_end(&mut file).unwrap();
        let (picture, _) = decoded(&file);
        assert_eq!((picture.width(), picture.height()), size);
        assert_eq!(file, server.draw("?max_side=32", &photos[place]).bytes().unwrap());
    }
}

#[test]
fn several_photos_come_in_json_too() {
    let server = Server::start(&[]);
    let answer = server.stylize("").header("accept", "application/json").multipart(form(&[jpeg(8, 8), png(9, 9)]));
    let list: Value = answer.send().unwrap().json().unwrap();
    assert_eq!((&list[0]["media_type"], &list[1]["media_type"]), (&"image/jpeg".into(), &"image/png".into()));
    assert_eq!((&list[0]["width"], &list[1]["width"]), (&8.into(), &9.into()));
}

#[test]
fn the_wrong_one_among_several_is_named() {
    let server = Server::start(&["--max-photos", "3", "--queue", "1"]);
    let send = |photos: &[Vec<u8>]| server.stylize("").multipart(form(photos)).send().unwrap();
    let detail = problem(send(&[jpeg(8, 8), b"plain text".to_vec()]), 415);
    assert!(detail.starts_with("photo 2: "), "{detail}");
    let detail = problem(send(&[jpeg(8, 8), jpeg(9, 9), jpeg(64, 64)[..300].to_vec()]), 422);
    assert!(detail.starts_with("photo 3: "), "{detail}");
    assert!(problem(send(&[jpeg(8, 8), vec![]]), 400).contains("photo 2: there is no photo"));
    let detail = problem(send(&vec![jpeg(8, 8); 4]), 400);
    assert!(detail.contains("limit of 3"), "{detail}");
    assert_eq!(send(&vec![jpeg(8, 8); 3]).status(), 200, "all of them take one place in the queue");
    server.assert_works();
}
