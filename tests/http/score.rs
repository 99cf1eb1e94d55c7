//! How real a drawing looks.

use reqwest::blocking::multipart::{Form, Part};
use reqwest::blocking::{Client, Response};
use serde_json::Value;

use super::harness::{Server, problem};
use super::pictures::{decoded, jpeg, png};

fn score(server: &Server, accept: &str, fields: &[(&'static str, Vec<u8>)]) -> Response {
    let form = fields.iter().fold(Form::new(), |form, (name, data)| form.part(*name, Part::bytes(data.clone())));
    Client::new().post(server.url("/v1/score")).header("accept", accept).multipart(form).send().unwrap()
}

#[test]
fn a_drawing_is_judged_patch_by_patch() {
    let server = Server::start(&[]);
    let photo = jpeg(100, 64);
    let drawing = server.draw("?format=png", &photo).bytes().unwrap().to_vec();
    let fields = [("image", photo), ("picture", drawing)];
    let answer = score(&server, "application/json", &fields);
    assert_eq!(answer.status(), 200);
    let realism: f64 = answer.headers()["x-sakuga-realism"].to_str().unwrap().parse().unwrap();
    let document: Value = answer.json().unwrap();
    // Three halvings, and twice one less.
    assert_eq!((&document["width"], &document["height"], &document["model"]), (&10.into(), &6.into(), &"anime".into()));
    let rows: Vec<Vec<f64>> = serde_json::from_value(document["patches"].clone()).unwrap();
    let patches: Vec<f64> = rows.into_iter().flatten().collect();
    assert_eq!(patches.len(), 60);
    assert!(patches.iter().all(|patch| (0.0..=1.0).contains(patch)));
    let mean = patches.iter().sum::<f64>() / 60.0;
    assert!((document["mean"].as_f64().unwrap() - mean).abs() < 1e-5 && (realism - mean).abs() < 1e-3);

    let map = score(&server, "*/*", &fields);
    assert_eq!(map.headers()["content-type"], "image/png");
    let (map, _) = decoded(&map.bytes().unwrap());
    assert_eq!((map.width(), map.height()), (100, 64), "as large as what was judged");
}

#[test]
fn what_cannot_be_judged_is_explained() {
    let server = Server::start(&[]);
    let both = || vec![("image", png(40, 40)), ("picture", png(40, 40))];
    let with = |name, data: &[u8]| [both(), vec![(name, data.to_vec())]].concat();
    for (fields, status, expected) in [
        (vec![("image", png(40, 40))], 400, "no field `picture`"),
        (vec![("picture", png(40, 40))], 400, "no field `image`"),
        (vec![("image", png(40, 20)), ("picture", png(40, 20))], 400, "32 pixels"),
        (vec![("image", png(40, 40)), ("picture", b"plain text".to_vec())], 415, "JPEG"),
        (with("image", &png(8, 8)), 400, "given twice"),
        (with("strength", b"1"), 400, "`image`, `picture` and `model`"),
        (with("model", b"nobody"), 400, "`anime`"),
    ] {
        let detail = problem(score(&server, "*/*", &fields), status);
        assert!(detail.contains(expected), "{detail}");
    }
    let raw = Client::new().post(server.url("/v1/score")).body(png(40, 40)).send().unwrap();
    assert!(problem(raw, 400).contains("form"));
    server.assert_works();
}
