//! New models while the service is at work.

use std::io::Write;
use std::path::Path;

use reqwest::blocking::{Client, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::harness::{Server, problem, read_all, wait_until};
use super::pictures::jpeg;
use super::tiny::publish_with;

/// A service with the models of `folder` and one key, `staff`.
fn start(models: TempDir) -> Server {
    let keys = models.path().join("keys");
    std::fs::write(&keys, "staff").unwrap();
    let server = Server::start_with(models, &["--api-keys", keys.to_str().unwrap()]);
    server.wait_until_ready();
    server
}

fn reload(server: &Server) -> Response {
    Client::new().post(server.url("/v1/models:reload")).header("x-api-key", "staff").send().unwrap()
}

fn draw(server: &Server, query: &str) -> Response {
    server.stylize(query).header("x-api-key", "staff").body(jpeg(24, 16)).send().unwrap()
}

fn damage(models: &Path, name: &str) {
    std::fs::write(models.join(format!("weights/{name}.safetensors")), b"damaged").unwrap();
}

#[test]
fn what_changed_is_loaded_and_what_fails_changes_nothing() {
    let models = TempDir::new().unwrap();
    let root = models.path().to_owned();
    publish_with(&root, "anime", &["cel"]);
    let server = start(models);
    let before = draw(&server, "");
    let weights = before.headers()["x-sakuga-weights"].clone();
    let tag = before.headers()["etag"].clone();
    assert_eq!(draw(&server, "?model=other").status(), 400);

    publish_with(&root, "other", &["cel"]);
    let answer: Value = reload(&server).json().unwrap();
    assert_eq!(answer, json!({ "loaded": ["other"], "kept": ["anime"], "removed": [] }));
    assert_eq!(draw(&server, "?model=other").status(), 200);

    publish_with(&root, "anime", &["cel", "gouache"]);
    damage(&root, "other");
    std::fs::write(
        root.join("models/other.toml"),
        std::fs::read_to_string(root.join("models/other.toml")).unwrap() + "\n",
    )
    .unwrap();
    // The card of `other` says the same, so that its damaged file is not looked at.
    let answer: Value = reload(&server).json().unwrap();
    assert_eq!(answer, json!({ "loaded": ["anime"], "kept": ["other"], "removed": [] }));
    let after = draw(&server, "?style=gouache");
    assert_ne!(after.headers()["x-sakuga-weights"], weights);
    assert_ne!(draw(&server, "").headers()["etag"], tag);

    publish_with(&root, "third", &["cel"]);
    damage(&root, "third");
    let detail = problem(reload(&server), 500);
    assert!(detail.contains("stay as they are") && !detail.contains("safetensors"), "{detail}");
    std::fs::write(root.join("models/third.toml"), "title = 7").unwrap();
    problem(reload(&server), 500);
    assert_eq!(server.get("/readyz").status(), 200, "the old ones are at work");
    assert_eq!(draw(&server, "?style=gouache").status(), 200);
    assert_eq!(draw(&server, "?model=third").status(), 400);

    std::fs::remove_file(root.join("models/third.toml")).unwrap();
    std::fs::remove_file(root.join("models/other.toml")).unwrap();
    let answer: Value = reload(&server).json().unwrap();
    assert_eq!(answer, json!({ "loaded": [], "kept": ["anime"], "removed": ["other"] }));
    assert_eq!(draw(&server, "?model=other").status(), 400);
    let metrics = server.get("/metrics").text().unwrap();
    assert!(metrics.contains("sakuga_reloads_total{outcome=\"done\"} 3"), "{metrics}");
    assert!(metrics.contains("sakuga_reloads_total{outcome=\"failed\"} 2"), "{metrics}");
}

#[test]
fn a_request_under_way_is_drawn_by_the_models_it_came_to() {
    let models = TempDir::new().unwrap();
    let root = models.path().to_owned();
    publish_with(&root, "anime", &["cel"]);
    let server = Server::start_with(models, &[]);
    server.wait_until_ready();
    let photo = jpeg(40, 40);
    let weights = server.draw("", &photo).headers()["x-sakuga-weights"].to_str().unwrap().to_owned();
    let mut stream = server.begin(photo.len());

    publish_with(&root, "anime", &["cel", "gouache"]);
    server.signal("HUP");
    let styles = || server.get("/v1/models/anime").json::<Value>().unwrap()["styles"].as_array().unwrap().len();
    wait_until(|| styles() == 2);
    assert_eq!(server.draw("?style=gouache", &photo).status(), 200);

    stream.write_all(&photo).unwrap();
    let answer = read_all(stream);
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains(&weights), "{answer}");
}

#[test]
fn a_stranger_renews_nothing() {
    let server = Server::start(&[]);
    let ask = || Client::new().post(server.url("/v1/models:reload")).send().unwrap();
    assert!(problem(ask(), 403).contains("SIGHUP"));
    let models = TempDir::new().unwrap();
    publish_with(models.path(), "anime", &["cel"]);
    let server = start(models);
    problem(Client::new().post(server.url("/v1/models:reload")).send().unwrap(), 401);
}
