//! The photo in JSON, as Hugging Face's image-to-image clients send it, and the
//! picture in JSON.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::blocking::Response;
use serde_json::{Value, json};

use super::harness::{Server, problem};
use super::pictures::{decoded, jpeg, png};

fn send(server: &Server, query: &str, document: &Value) -> Response {
    server.stylize(query).json(document).send().unwrap()
}

#[test]
fn base64_and_data_urls_draw_what_the_photo_itself_draws() {
    let server = Server::start(&[]);
    let photo = jpeg(60, 40);
    let text = BASE64_STANDARD.encode(&photo);
    let expected = server.draw("?strength=0.5&seed=3", &photo).bytes().unwrap();
    let parameters = json!({
        "strength": 0.5, "seed": 3, "prompt": "ignored", "negative_prompt": "ignored", "guidance_scale": 7.5,
        "num_inference_steps": 20, "target_size": { "width": 64, "height": 64 },
    });
    for inputs in [text.clone(), format!("data:image/jpeg;base64,{text}"), text.trim_end_matches('=').to_owned()] {
        let answer = send(&server, "", &json!({ "inputs": inputs, "parameters": parameters }));
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "image/jpeg");
        assert_eq!(answer.bytes().unwrap(), expected);
    }
    let from_query = send(&server, "?strength=0.5&seed=3", &json!({ "inputs": text }));
    assert_eq!(from_query.bytes().unwrap(), expected);
    // A picture is a picture, whatever is declared.
    let raw = server.stylize("").header("content-type", "application/json").body(photo).send().unwrap();
    assert_eq!(raw.status(), 200);
}

#[test]
fn wrong_json_is_explained() {
    let server = Server::start(&["--max-body", "100KB"]);
    let text = BASE64_STANDARD.encode(jpeg(8, 8));
    for (document, status, expected) in [
        (json!({}), 400, "inputs"),
        (json!({ "inputs": "?" }), 400, "not base64"),
        (json!({ "inputs": "" }), 400, "no photo"),
        (json!({ "inputs": BASE64_STANDARD.encode("plain text") }), 415, "JPEG"),
        (json!({ "inputs": text, "parameters": { "colour": "red" } }), 400, "`colour` is not a parameter"),
        (json!({ "inputs": text, "parameters": { "strength": 2 } }), 400, "from 0 to 1"),
        (json!({ "inputs": text, "parameters": { "strength": [1] } }), 400, "must be a text or a number"),
        (json!({ "inputs": "A".repeat(200_000) }), 413, "100 KB"),
    ] {
        let detail = problem(send(&server, "", &document), status);
        assert!(detail.contains(expected), "{detail}");
    }
    let cut = server.stylize("").header("content-type", "application/json").body("{\"inputs\": \"AAAA").send().unwrap();
    problem(cut, 400);
    server.assert_works();
}

#[test]
fn the_picture_comes_in_json_for_who_asks_so() {
    let server = Server::start(&[]);
    let photo = png(60, 40);
    let answer =
        server.stylize("?format=webp").header("accept", "application/json").body(photo.clone()).send().unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert!(answer.headers().contains_key("server-timing"));
    let document: Value = answer.json().unwrap();
    assert_eq!((&document["width"], &document["height"]), (&60.into(), &40.into()));
    assert_eq!((&document["media_type"], &document["model"]), (&"image/webp".into(), &"anime".into()));
    assert_eq!(document["weights"].as_str().unwrap().len(), 64);
    assert!(document["timings"]["infer"].as_f64().unwrap() >= 0.0);
    let picture = BASE64_STANDARD.decode(document["image"].as_str().unwrap()).unwrap();
    assert_eq!(picture, server.draw("?format=webp", &photo).bytes().unwrap());
    assert_eq!(decoded(&picture).1, image::ImageFormat::WebP);
}
