//! The trainer's real binary on small data: it learns, survives being killed,
//! and its run becomes a model that draws.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use image::{Rgb, RgbImage};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

#[path = "training/beginnings.rs"]
mod beginnings;
#[path = "training/survival.rs"]
mod survival;
#[path = "training/switches.rs"]
mod switches;

const TRAINER: &str = env!("CARGO_BIN_EXE_sakuga-train");

/// Tiny networks, a discriminator from the third epoch on.
const RECIPE: &str = r#"
epochs = 3
epochs_decay = 3
batch = 4
seed = 7
rate = 2e-3
discriminator_rate = 1e-3
betas = [0.5, 0.99]
adversarial_from = 2
gan = "lsgan"
lambda_gan = 0.02
lambda_l1 = 1.0
lambda_gradient = 0.5
lambda_sharpness = 0.2
ema = 0.9
direction = "AtoB"
architecture = { kind = "anime", widths = [8, 12], blocks = 1 }
discriminator = { inputs = 6, width = 4, layers = 2, norm = "batch" }
augment = { crop = 32, flip = 0.5, noise = 0.3, jpeg = 0.3 }
"#;

/// Photos of coloured boxes beside the same with red and blue exchanged and
/// darkened: something a small network can learn.
fn write_pairs(dir: &Path) {
    for (split, count) in [("train", 20), ("val", 4)] {
        fs::create_dir_all(dir.join(split)).unwrap();
        for i in 0..count {
            let shade = |x: u32, y: u32| {
                let base = ((x / 9 + y / 7 + i) * 53 % 200) as u8 + 20;
                Rgb([base, base / 2 + (i * 7 % 60) as u8, 255 - base])
            };
            let pair = RgbImage::from_fn(96, 40, |x, y| {
                let Rgb([r, g, b]) = shade(x % 48, y);
                if x < 48 { Rgb([r, g, b]) } else { Rgb([b / 2, g / 2, r / 2]) }
            });
            pair.save(dir.join(split).join(format!("pair-{i:02}.png"))).unwrap();
        }
    }
}

fn trainer(args: &[&str]) -> Command {
    let mut command = Command::new(TRAINER);
    command.args(args).env_remove("SAKUGA_DEVICE").env_remove("SAKUGA_MODELS");
    command
}

fn run(args: &[&str]) -> Output {
    trainer(args).output().unwrap()
}

fn succeed(args: &[&str]) -> String {
    let output = run(args);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {errors}");
    errors
}

fn rows(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The rows without what the clock wrote.
fn learned(run: &Path) -> Vec<Value> {
    let mut rows = rows(run);
    for row in &mut rows {
        for timed in ["seconds", "pairs_per_second", "waited"] {
            row.as_object_mut().unwrap().remove(timed).expect(timed);
        }
    }
    rows
}

struct Folder {
    _folder: tempfile::TempDir,
    data: String,
    recipe: String,
    out: String,
}

impl Folder {
    fn new(recipe: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (data, file, out) = (path("data"), path("recipe.toml"), path("run"));
        write_pairs(Path::new(&data));
        fs::write(&file, recipe).unwrap();
        Self { _folder: folder, data, recipe: file, out }
    }

    fn fit(&self) -> Vec<&str> {
        vec!["fit", "--data", &self.data, "--config", &self.recipe, "--out", &self.out, "--device", "cpu"]
    }
}

#[test]
fn a_run_learns_and_becomes_a_model() {
    let folder = Folder::new(RECIPE);
    succeed(&folder.fit());
    let run = Path::new(&folder.out);

    let rows = rows(run);
    assert_eq!(rows.len(), 6);
    let l1 = |row: &Value| row["l1"].as_f64().unwrap();
    assert!(l1(&rows[5]) < 0.6 * l1(&rows[0]), "L1 {} → {}", l1(&rows[0]), l1(&rows[5]));
    assert!(rows[1]["discriminator"] == 0.0 && rows[2]["discriminator"].as_f64().unwrap() > 0.0);
    assert!(rows[5]["validation"]["ssim"].as_f64().unwrap() > rows[0]["validation"]["ssim"].as_f64().unwrap());
    let files =
        ["curves.svg", "samples/epoch-0006.png", "generator.safetensors", "discriminator.safetensors", "report.html"];
    for file in files {
        assert!(fs::metadata(run.join(file)).unwrap().len() > 100, "{file}");
    }
    assert_eq!(checkpoints(run), ["best", "epoch-0004", "epoch-0005", "epoch-0006"], "old checkpoints go");

    let models = run.join("models");
    let models = models.to_str().unwrap();
    succeed(&["publish", &folder.out, "--name", "boxes", "--models", models]);
    let report = run_json(&["eval", "--model", "boxes", "--models", models, "--data", &folder.data, "--json"]);
    let (drawn, untouched) = (&report[0]["drawn"], &report[0]["photo"]);
    let psnr = |figures: &Value| figures["psnr"].as_f64().unwrap_or_else(|| panic!("no psnr in {report}"));
    assert!(psnr(drawn) > psnr(untouched) + 3.0, "{report}");
}

/// The checkpoints' names, in order.
fn checkpoints(run: &Path) -> Vec<String> {
    let stem = |entry: fs::DirEntry| entry.path().file_stem().unwrap().to_str().unwrap().to_owned();
    let mut names: Vec<_> = fs::read_dir(run.join("checkpoints")).unwrap().map(|entry| stem(entry.unwrap())).collect();
    names.sort();
    names
}

fn run_json(args: &[&str]) -> Value {
    let output = run(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Everything that has a state of its own: the pool, singular vectors, a plateau, two scales, lazy penalties.
fn everything() -> String {
    let discriminator = "layers = 2, norm = \"instance\", spectral = true, scales = 2 }";
    RECIPE
        .replace("layers = 2, norm = \"batch\" }", discriminator)
        .replace("adversarial_from = 2", "adversarial_from = 0")
        + "schedule = { policy = \"plateau\", patience = 0, factor = 0.7 }\npool = 6\nlambda_r1 = 0.1\nr1_every = 2\n\
           lambda_features = 1.0\nclip_gradients = 1.0\nweight_decay = 1e-4\nsmoothing = 0.1\n"
}

#[test]
fn a_killed_run_resumes_to_the_same_weights() {
    let whole = Folder::new(&everything());
    succeed(&whole.fit());

    let broken = Folder::new(&everything());
    let run_folder = Path::new(&broken.out);
    let mut child = trainer(&broken.fit()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while rows(run_folder).len() < 2 {
        assert!(start.elapsed() < Duration::from_secs(300), "no second epoch in five minutes");
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap(); // SIGKILL: nothing can be tidied up
    child.wait().unwrap();
    assert!(rows(run_folder).len() < 6, "it was killed too late to prove anything");

    succeed(&["fit", "--resume", &broken.out, "--device", "cpu"]);
    for file in ["generator.safetensors", "discriminator.safetensors"] {
        let read = |out: &str| fs::read(Path::new(out).join(file)).unwrap();
        assert!(read(&whole.out) == read(&broken.out), "{file} differs");
    }
    assert_eq!(learned(Path::new(&whole.out)), learned(run_folder));
}

/// Two looks in one generator, from the weights of a generator that draws one.
#[test]
fn several_looks_make_one_model() {
    let plain =
        Folder::new(&RECIPE.replace("epochs = 3", "epochs = 1").replace("epochs_decay = 3", "epochs_decay = 0"));
    succeed(&plain.fit());
    let init = Path::new(&plain.out).join("generator.safetensors");
    let several = Folder::new(RECIPE);
    let mut args = several.fit();
    args.extend(["--look", "cel,ink", "--epochs", "1", "--epochs-decay", "1", "--init", init.to_str().unwrap()]);
    let said = succeed(&args);
    assert!(said.contains("start anew") && said.contains("mix.style.scale"), "{said}");
    let folder = Path::new(&several.out);
    assert!(rows(folder)[0]["looks"]["ink"]["ssim"].is_number(), "{:?}", rows(folder)[0]);

    let models = folder.join("models");
    let models = models.to_str().unwrap();
    let publish = ["publish", &several.out, "--name", "two", "--models", models];
    let refused = run(&[&publish[..], &["--at-test", "image"]].concat());
    assert!(String::from_utf8(refused.stderr).unwrap().contains("`anime` has no norm"));
    succeed(&publish);
    let eval = ["eval", "--model", "two", "--models", models, "--data", &several.data, "--look", "cel,ink", "--json"];
    let report = run_json(&eval);
    assert_eq!((&report[0]["look"], &report[1]["look"]), (&"cel".into(), &"ink".into()));
    assert_ne!(report[0]["drawn"], report[1]["drawn"]);
}

#[test]
fn a_row_lost_between_checkpoint_and_file_comes_back() {
    let folder = Folder::new(RECIPE);
    succeed(&folder.fit());
    let metrics = Path::new(&folder.out).join("metrics.jsonl");
    let before = fs::read_to_string(&metrics).unwrap();
    let shorter: String = before.lines().take(5).map(|line| format!("{line}\n")).collect();
    fs::write(&metrics, shorter).unwrap();
    succeed(&["fit", "--resume", &folder.out, "--device", "cpu"]);
    assert_eq!(fs::read_to_string(&metrics).unwrap(), before);
}

#[test]
fn divergence_stops_with_a_clear_message() {
    let folder = Folder::new(&RECIPE.replace("rate = 2e-3", "rate = 1e30"));
    let output = run(&folder.fit());
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        errors.contains("diverged at step") && errors.contains("after 3 returns") && errors.contains("--resume"),
        "{errors}"
    );
    assert!(!Path::new(&folder.out).join("generator.safetensors").exists());
}

#[test]
fn bad_settings_and_folders_are_refused() {
    let folder = Folder::new(&RECIPE.replace("batch = 4", "batch = 0"));
    let output = run(&folder.fit());
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("batch must be at least 1"));

    let folder = Folder::new(RECIPE);
    fs::create_dir_all(&folder.out).unwrap();
    fs::write(Path::new(&folder.out).join("recipe.toml"), RECIPE).unwrap();
    let output = run(&folder.fit());
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("already holds a run"));

    assert_eq!(run(&["fit", "--out", "somewhere"]).status.code(), Some(2), "wrong usage is 2");
    let output = run(&["fit", "--resume", "no-such-run"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no run that could go on"));
}
