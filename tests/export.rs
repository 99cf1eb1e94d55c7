//! `sakuga export` from outside, and back: the real binary on real checkpoints.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use candle_core::{Device, Tensor};
use prost::Message;
use sakuga::models::Registry;
use sakuga::models::export::proto;
use sakuga::models::import::{Wanted, read, read_discriminator};
use tempfile::TempDir;

#[path = "http/tiny.rs"]
mod tiny;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.pth"))
}

fn sakuga(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sakuga")).current_dir(folder).args(args).env_clear().output().unwrap()
}

#[track_caller]
fn succeed(folder: &Path, args: &[&str]) -> String {
    let output = sakuga(folder, args);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{args:?}: {said}");
    said
}

#[track_caller]
fn refused(folder: &Path, args: &[&str], needle: &str) {
    let output = sakuga(folder, args);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
    assert!(said.lines().count() == 1 && said.contains(needle), "{args:?}: {said}");
}

fn numbers(tensor: &Tensor) -> Vec<u32> {
    tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
}

#[track_caller]
fn same(a: &HashMap<String, Tensor>, b: &HashMap<String, Tensor>) {
    assert_eq!(a.len(), b.len());
    for (name, tensor) in a {
        assert_eq!(tensor.dims(), b[name].dims(), "{name}");
        assert_eq!(numbers(tensor), numbers(&b[name]), "{name}");
    }
}

#[test]
fn what_was_imported_comes_back_to_the_last_bit() {
    for name in ["unet_256", "unet_128", "unet_128_instance", "resnet_9blocks", "resnet_9_dry", "resnet_6blocks"] {
        let folder = TempDir::new().unwrap();
        let original = golden(name);
        succeed(folder.path(), &["import", original.to_str().unwrap(), "--name", "mine"]);
        succeed(folder.path(), &["export", "mine", "--to", "pth", "-o", "back.pth"]);
        let [first, back] =
            [original, folder.path().join("back.pth")].map(|file| read(&file, &Wanted::default()).unwrap());
        assert_eq!(first.architecture, back.architecture, "{name}");
        same(&first.tensors, &back.tensors);
    }
}

#[test]
fn a_discriminator_comes_back_too() {
    let folder = TempDir::new().unwrap();
    for name in ["judge_basic", "judge_pixel"] {
        let (generator, judge) = (golden("unet_128"), golden(name));
        let judge = judge.to_str().unwrap();
        let import = ["import", generator.to_str().unwrap(), "--name", name, "--with-discriminator", judge];
        succeed(folder.path(), &import);
        let (g, d) = (format!("{name}-g.pth"), format!("{name}-d.pth"));
        succeed(folder.path(), &["export", name, "--to", "pth", "-o", &g, "--with-discriminator", &d]);
        let [first, back] = [golden(name), folder.path().join(d)].map(|file| read_discriminator(&file, 6).unwrap());
        assert_eq!(first.0, back.0);
        same(&first.1, &back.1);
    }
}

/// The operators of an exported graph, counted, and the graph.
fn onnx(folder: &Path, name: &str) -> (HashMap<String, usize>, proto::Model) {
    let file = format!("{name}.onnx");
    succeed(folder, &["export", name, "--to", "onnx", "-o", &file]);
    let model = proto::Model::decode(fs::read(folder.join(file)).unwrap().as_slice()).unwrap();
    let mut operators = HashMap::new();
    for node in &model.graph.as_ref().unwrap().node {
        *operators.entry(node.op_type.clone()).or_default() += 1;
    }
    (operators, model)
}

/// Every input of a node is a value that is there by then: what a runtime needs.
fn assert_complete(model: &proto::Model) {
    let graph = model.graph.as_ref().unwrap();
    let mut known: Vec<&str> = graph.input.iter().map(|value| value.name.as_str()).collect();
    known.extend(graph.initializer.iter().map(|tensor| tensor.name.as_str()));
    known.push("");
    for node in &graph.node {
        for input in &node.input {
            assert!(known.contains(&input.as_str()), "{} reads {input} too early", node.name);
        }
        for output in &node.output {
            assert!(!known.contains(&output.as_str()), "{output} is there twice");
            known.push(output);
        }
    }
    assert!(known.contains(&graph.output[0].name.as_str()));
    assert_eq!(model.opset_import[0].version, Some(17));
}

#[test]
fn onnx_graphs_are_whole() {
    let folder = TempDir::new().unwrap();
    for (name, expected) in [
        // Convolutions, their adjoints, batch norms, instance norms, mirrored borders.
        ("unet_256", [8, 8, 13, 0, 0]),
        ("unet_128_instance", [7, 7, 0, 11, 0]),
        ("resnet_9blocks", [22, 2, 23, 0, 20]),
        ("resnet_6blocks", [16, 2, 0, 17, 14]),
    ] {
        succeed(folder.path(), &["import", golden(name).to_str().unwrap(), "--name", name]);
        let (operators, model) = onnx(folder.path(), name);
        assert_complete(&model);
        let found = ["Conv", "ConvTranspose", "BatchNormalization", "InstanceNormalization", "Pad"]
            .map(|operator| operators.get(operator).copied().unwrap_or(0));
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn an_anime_generator_is_exported_with_its_styles() {
    let folder = TempDir::new().unwrap();
    tiny::publish_with(folder.path(), "one", &["cel"]);
    tiny::publish_with(folder.path(), "two", &["cel", "ink"]);
    for (name, inputs) in [("one", vec!["photo"]), ("two", vec!["photo", "style"])] {
        let (operators, model) = onnx(folder.path(), name);
        assert_complete(&model);
        let graph = model.graph.as_ref().unwrap();
        assert_eq!(graph.input.iter().map(|value| value.name.as_str()).collect::<Vec<_>>(), inputs);
        assert_eq!(operators.contains_key("Gemm"), name == "two");
        let said = succeed(folder.path(), &["export", name, "--to", "pth", "-o", &format!("{name}.pth")]);
        assert!(said.contains("Sakuga's own names"), "{said}");
        let registry = Registry::open(Some(&folder.path().join("models"))).unwrap();
        let weights = &registry.card(Some(name)).unwrap().weights.generator;
        let tensors = registry.tensors(weights, &Device::Cpu).unwrap();
        // In the graph or in a node's form: not one is left out.
        for tensor in tensors.keys() {
            assert!(graph.initializer.iter().any(|there| there.name == *tensor), "{tensor} is missing");
        }
    }
}

#[test]
fn what_cannot_be_exported_is_said_and_nothing_is_written() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    tiny::publish_with(root, "mine", &["cel"]);
    fs::write(root.join("there.pth"), b"precious").unwrap();
    refused(root, &["export", "mine", "--to", "pth", "-o", "there.pth"], "--overwrite");
    assert_eq!(fs::read(root.join("there.pth")).unwrap(), b"precious");
    refused(root, &["export", "yours", "--to", "pth", "-o", "a.pth"], "no model is named \"yours\"");
    let both = ["export", "mine", "--to", "onnx", "-o", "a.onnx", "--with-discriminator", "d.pth"];
    refused(root, &both, "--to pth");
    let one = ["export", "mine", "--to", "pth", "-o", "a.pth", "--with-discriminator", "./a.pth"];
    refused(root, &one, "name two");
    refused(root, &["export", "mine", "--to", "pth", "-o", "there.pth/a.pth"], "there.pth");
    assert!(!root.join("a.pth").exists() && !root.join("a.onnx").exists() && !root.join("d.pth").exists());
    succeed(root, &["export", "mine", "--to", "pth", "-o", "there.pth", "--overwrite"]);
    assert_ne!(fs::read(root.join("there.pth")).unwrap(), b"precious");
}
