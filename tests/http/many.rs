//! Several models in one service: loaded when they are asked for, bounded by
//! memory, and none harmed by another.

use std::path::Path;

use candle_core::{Device, Tensor};
use reqwest::blocking::Response;
use sakuga::models::Registry;
use sakuga::models::publish::publish;
use tempfile::TempDir;

use super::harness::{Server, problem, wait_until};
use super::pictures::{decoded, jpeg};
use super::tiny::publish_with;

fn models(names: &[&str]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for name in names {
        publish_with(folder.path(), name, &["cel"]);
    }
    folder
}

fn loaded(server: &Server) -> String {
    let metrics = server.get("/metrics").text().unwrap();
    let line = metrics.lines().find(|line| line.starts_with("sakuga_models_loaded ")).unwrap();
    line.rsplit(' ').next().unwrap().to_owned()
}

/// Writes a model again, sound in every form, whose drawings are not numbers.
fn spoil(root: &Path, name: &str) {
    let registry = Registry::open(Some(&root.join("models"))).unwrap();
    let card = registry.card(Some(name)).unwrap().clone();
    let weights = root.join(format!("weights/{name}.safetensors"));
    let mut tensors = candle_core::safetensors::load(weights, &Device::Cpu).unwrap();
    let bias = tensors.get_mut("head.bias").unwrap();
    *bias = Tensor::full(f32::NAN, bias.shape(), &Device::Cpu).unwrap();
    publish(&root.join("models"), name, card, &tensors, None).unwrap();
}

#[test]
fn a_model_is_loaded_when_it_is_asked_for() {
    let server = Server::start_with(models(&["anime", "second", "third"]), &[]);
    server.wait_until_ready();
    assert_eq!(loaded(&server), "1");
    for (query, models) in [("?model=third", "2"), ("?model=third", "2"), ("?model=second", "3"), ("", "3")] {
        assert_eq!(server.draw(query, &jpeg(24, 16)).status(), 200, "{query}");
        assert_eq!(loaded(&server), models, "{query}");
    }
}

#[test]
fn beyond_its_memory_the_least_used_makes_room() {
    // None at all: the default stays, and the one at work.
    let server = Server::start_with(models(&["anime", "second", "third"]), &["--model-memory", "0"]);
    server.wait_until_ready();
    let pixels = |drawn: Response| decoded(&drawn.bytes().unwrap()).0.to_rgb8();
    let first = pixels(server.draw("", &jpeg(24, 16)));
    for name in ["second", "third", "second", "anime", "third"] {
        let drawn = server.draw(&format!("?model={name}"), &jpeg(24, 16));
        assert_eq!(drawn.headers()["x-sakuga-model"], name);
        assert!(pixels(drawn) == first, "the same weights draw the same");
        assert_eq!(loaded(&server), "2");
    }
}

#[test]
fn a_broken_model_stops_no_other() {
    let folder = models(&["anime", "second", "third"]);
    let root = folder.path().to_owned();
    std::fs::write(folder.path().join("weights/second.safetensors"), b"damaged").unwrap();
    std::fs::write(folder.path().join("models/third.toml"), "title = 7").unwrap();
    let server = Server::start_with(folder, &[]);
    server.wait_until_ready();
    server.assert_works();
    for name in ["second", "third"] {
        let detail = problem(server.draw(&format!("?model={name}"), &jpeg(24, 16)), 400);
        assert!(detail.contains("the models are `anime`"), "{detail}");
        assert_eq!(server.get(&format!("/v1/models/{name}")).status(), 404);
    }
    // A reload that finds it as broken as before changes nothing either.
    std::fs::remove_file(root.join("models/third.toml")).unwrap();
    server.signal("HUP");
    wait_until(|| server.get("/metrics").text().unwrap().contains("sakuga_reloads_total{outcome=\"failed\"} 1"));
    assert_eq!(server.get("/v1/models/second").status(), 404);
}

#[test]
fn weights_that_went_away_are_said_so() {
    let folder = models(&["anime", "second"]);
    let weights = folder.path().join("weights/second.safetensors");
    let server = Server::start_with(folder, &[]);
    server.wait_until_ready();
    let bytes = std::fs::read(&weights).unwrap();
    std::fs::remove_file(&weights).unwrap();
    let detail = problem(server.draw("?model=second", &jpeg(24, 16)), 503);
    assert!(detail.contains("`second`") && !detail.contains("weights/"), "{detail}");
    assert_eq!(server.get("/readyz").status(), 200);
    server.assert_works();
    std::fs::write(&weights, bytes).unwrap();
    assert_eq!(server.draw("?model=second", &jpeg(24, 16)).status(), 200);
}

#[test]
fn a_model_that_draws_no_numbers_is_not_taken_for_a_broken_device() {
    let folder = models(&["anime", "second"]);
    spoil(folder.path(), "second");
    let server = Server::start_with(folder, &[]);
    server.wait_until_ready();
    // More often than a device may fail.
    for _ in 0..5 {
        problem(server.draw("?model=second", &jpeg(24, 16)), 500);
        server.assert_works();
    }
    assert_eq!(server.get("/readyz").status(), 200);
}
