//! The cards, over HTTP and on the command line.

use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::harness::{Server, problem};
use super::pictures::jpeg;
use super::tiny::publish_with;

fn two_models() -> TempDir {
    let models = TempDir::new().unwrap();
    publish_with(models.path(), "anime", &["cel"]);
    publish_with(models.path(), "other", &["cel"]);
    models
}

#[test]
fn cards_are_listed_and_shown() {
    let server = Server::start_with(two_models(), &[]);
    server.wait_until_ready();
    let list: Value = server.get("/v1/models").json().unwrap();
    assert_eq!(list["default"], "anime");
    let names: Vec<&str> = list["models"].as_array().unwrap().iter().filter_map(|card| card["name"].as_str()).collect();
    assert_eq!(names, ["anime", "other"]);
    let card: Value = server.get("/v1/models/other").json().unwrap();
    assert_eq!(card, list["models"][1]);
    assert_eq!((&card["title"], &card["styles"][0], &card["max_side"]), (&"Tiny".into(), &"cel".into(), &256.into()));
    let detail = problem(server.get("/v1/models/nobody"), 404);
    assert!(detail.contains("`anime`, `other`"), "{detail}");
    problem(server.get("/v1/models/%ff"), 400);
    let drawn = server.draw("?model=other", &jpeg(8, 8));
    assert_eq!(drawn.headers()["x-sakuga-model"], "other");
}

#[test]
fn without_a_default_a_model_must_be_named() {
    let models = TempDir::new().unwrap();
    publish_with(models.path(), "one", &["cel"]);
    publish_with(models.path(), "two", &["cel"]);
    let server = Server::start_with(models, &[]);
    server.wait_until_ready();
    assert_eq!(server.get("/v1/models").json::<Value>().unwrap()["default"], Value::Null);
    let detail = problem(server.draw("", &jpeg(8, 8)), 400);
    assert!(detail.contains("`one`, `two`"), "{detail}");
    assert_eq!(server.draw("?model=two", &jpeg(8, 8)).status(), 200);
}

#[test]
fn the_command_line_lists_them() {
    let models = two_models();
    let list = |flags: &[&str]| {
        let dir = models.path().join("models");
        Command::new(env!("CARGO_BIN_EXE_sakuga")).arg("models").arg("--models").arg(dir).args(flags).output().unwrap()
    };
    let text = String::from_utf8(list(&[]).stdout).unwrap();
    assert!(text.contains("anime (default): Tiny") && text.contains("other: Tiny"), "{text}");
    let json: Value = serde_json::from_slice(&list(&["--json"]).stdout).unwrap();
    assert_eq!(json["models"][1]["name"], "other");

    std::fs::write(models.path().join("models/broken.toml"), "title = 7").unwrap();
    let broken = list(&[]);
    assert_eq!(broken.status.code(), Some(1));
    assert!(String::from_utf8(broken.stdout).unwrap().contains("anime"), "the sound ones are still listed");
    assert!(String::from_utf8(broken.stderr).unwrap().contains("broken.toml"));
}
