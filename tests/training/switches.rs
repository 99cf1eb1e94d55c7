//! Each loss, policy and switch does something, and what its name says.

use super::{Folder, RECIPE, rows, run, succeed};
use candle_core::{Device, Tensor};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

/// A run of two epochs with the discriminator in both; its rows and its
/// networks' files.
struct Outcome {
    rows: Vec<Value>,
    generator: Vec<u8>,
    discriminator: HashMap<String, Tensor>,
}

fn with(flags: &[&str]) -> Outcome {
    let folder = Folder::new(RECIPE);
    let mut args = folder.fit();
    args.extend(["--epochs", "1", "--epochs-decay", "1", "--adversarial-from", "0"]);
    args.extend(flags);
    succeed(&args);
    let out = Path::new(&folder.out);
    Outcome {
        rows: rows(out),
        generator: std::fs::read(out.join("generator.safetensors")).unwrap(),
        discriminator: candle_core::safetensors::load(out.join("discriminator.safetensors"), &Device::Cpu).unwrap(),
    }
}

impl Outcome {
    fn last(&self, name: &str) -> f64 {
        self.rows.last().unwrap()[name].as_f64().unwrap_or_else(|| panic!("no {name}"))
    }
}

#[test]
fn every_loss_teaches_something_of_its_own() {
    let base = with(&[]);
    assert!(base.last("features") == 0.0 && base.last("penalty") == 0.0);
    let variants: &[&[&str]] = &[
        &["--gan", "vanilla"],
        &["--gan", "hinge"],
        &["--gan", "wgan"],
        &["--gan", "wgan-gp", "--discriminator-norm", "none"],
        &["--discriminator-norm", "none"],
        &["--smoothing", "0.2"],
        &["--pool", "4"],
        &["--lambda-r1", "1"],
        &["--lambda-features", "1"],
        &["--lambda-gan", "0"],
        &["--lambda-l1", "0"],
        &["--lambda-gradient", "0"],
        &["--lambda-sharpness", "0"],
        &["--lambda-structure", "1"],
        &["--lambda-alternation", "1"],
        &["--lambda-colour", "1"],
        &["--lambda-shift", "1", "--crop", "112"],
        &["--unconditional"],
        &["--spectral"],
        &["--scales", "2"],
        &["--mixed-precision"],
        &["--clip-gradients", "0.01"],
        &["--weight-decay", "0.1"],
        &["--load", "36"],
        &["--schedule", "cosine"],
        &["--schedule", "step"],
        &["--seed", "8"],
    ];
    let l1 = base.last("l1");
    let mut seen = vec![(&["as the recipe says"][..], base.generator)];
    for flags in variants {
        let outcome = with(flags);
        for (others, generator) in &seen {
            assert!(*generator != outcome.generator, "{flags:?} is the same as {others:?}");
        }
        let inputs = outcome.discriminator["layer1.conv.weight"].dim(1).unwrap();
        assert_eq!(inputs, if flags[0] == "--unconditional" { 3 } else { 6 }, "{flags:?}");
        let two = outcome.discriminator.contains_key("coarse.layer1.conv.weight");
        assert_eq!(two, flags[0] == "--scales", "{flags:?}");
        match flags {
            ["--lambda-features", _] => assert!(outcome.last("features") > 0.0),
            // Rounding, and no more than that.
            ["--mixed-precision"] => assert!((outcome.last("l1") / l1 - 1.0).abs() < 0.05, "{}", outcome.last("l1")),
            ["--lambda-structure", _] => assert!(outcome.last("structure") > 0.0),
            ["--lambda-alternation", _] => assert!(outcome.last("alternation") > 0.0),
            ["--lambda-colour", _] => assert!(outcome.last("colour") > 0.0),
            ["--lambda-shift", ..] => assert!(outcome.last("shift") > 0.0),
            ["--gan", "wgan-gp", ..] => assert!(outcome.last("penalty") > 0.0),
            // Every 16th step, the first among them.
            ["--lambda-r1", _] => assert!(outcome.rows[0]["penalty"].as_f64().unwrap() > 0.0),
            ["--lambda-gan", _] => assert!(outcome.last("gan") == 0.0 && outcome.last("discriminator") == 0.0),
            ["--gan", "wgan"] => {
                for (name, weight) in outcome.discriminator.iter().filter(|(name, _)| !name.contains("running_")) {
                    let largest = weight.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
                    assert!(largest <= 0.01, "{name}: {largest}");
                }
            }
            _ => {}
        }
        seen.push((flags, outcome.generator));
    }
}

#[test]
fn what_cannot_be_followed_is_refused() {
    for (flags, word) in [
        (&["--gan", "wgan-gp"][..], "discriminator-norm"),
        (&["--gan", "hinge", "--smoothing", "0.1"], "smoothing"),
        (&["--scales", "3"], "scales must be 1 or 2"),
        (&["--lambda-r1=-1"], "negative"),
        (&["--keep", "0"], "keep must be at least 1"),
        (&["--load", "9000"], "load"),
    ] {
        let folder = Folder::new(RECIPE);
        let mut args = folder.fit();
        args.extend(flags);
        let output = run(&args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains(word), "{flags:?}: {said}");
    }
}

#[test]
fn the_built_in_recipes_start() {
    for recipe in ["pix2pix", "anime"] {
        let folder = Folder::new(RECIPE);
        let args = ["fit", "--data", &folder.data, "--recipe", recipe, "--out", &folder.out, "--device", "cpu"];
        // A batch that the data cannot fill: the settings are sound and written, and nothing is trained.
        let small = ["--epochs", "1", "--epochs-decay", "0", "--batch", "40"];
        let output = run(&[&args[..], &small].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("20 pairs do not fill a batch of 40"), "{recipe}: {said}");
        assert!(Path::new(&folder.out).join("recipe.toml").exists());
    }
}
