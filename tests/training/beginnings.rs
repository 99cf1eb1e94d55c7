//! Where a run starts from: a recipe made of PyTorch's options, a checkpoint of PyTorch's.

use super::{Folder, RECIPE, run, succeed, trainer};
use std::path::Path;
use std::process::Stdio;

#[test]
fn options_of_pytorch_become_a_recipe_that_runs() {
    let folder = Folder::new(RECIPE);
    let options = Path::new(&folder.out).with_file_name("options.txt");
    let flags = "python train.py --model pix2pix --netG resnet_6blocks --ngf 4 --ndf 4 --norm instance --netD pixel \
                 --preprocess crop --crop_size 32 --n_epochs 1 --n_epochs_decay 0 --batch_size 4 --direction BtoA";
    std::fs::write(&options, flags).unwrap();
    let printed = trainer(&["recipe", "--from-pytorch-options", options.to_str().unwrap()]).output().unwrap();
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let recipe = options.with_file_name("theirs.toml");
    std::fs::write(&recipe, printed.stdout).unwrap();
    let mut args = folder.fit();
    let config = args.iter().position(|arg| *arg == "--config").unwrap() + 1;
    args[config] = recipe.to_str().unwrap();
    succeed(&args);
    let used = std::fs::read_to_string(Path::new(&folder.out).join("recipe.toml")).unwrap();
    assert!(used.contains("kind = \"resnet_6blocks\"") && used.contains("direction = \"BtoA\""), "{used}");

    let models = Path::new(&folder.out).join("models");
    let published = |name: &str, flags: &[&str]| {
        succeed(&[&["publish", &folder.out, "--name", name, "--models", models.to_str().unwrap()], flags].concat());
        std::fs::read_to_string(models.join(name).with_extension("toml")).unwrap()
    };
    assert!(!published("still", &[]).contains("statistics"));
    assert!(published("by_chance", &["--at-test", "image"]).contains("statistics = \"image\""));
    let eval = |name: &str| {
        let models = models.to_str().unwrap();
        let args = ["eval", "--model", name, "--models", models, "--data", &folder.data, "--candidates", "3", "--json"];
        run(&args)
    };
    assert!(String::from_utf8(eval("still").stderr).unwrap().contains("the same way each time"));
    let report: serde_json::Value = serde_json::from_slice(&eval("by_chance").stdout).unwrap();
    let ranking = &report[0]["ranking"];
    assert_eq!(ranking["candidates"], 3);
    for share in ["nearer_by_ssim", "nearer_by_l1", "target_over_drawing"] {
        let mean = ranking[share]["mean"].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&mean) && ranking[share]["error"].as_f64().unwrap() >= 0.0, "{ranking}");
    }
}

#[test]
fn a_recipe_is_printed_and_wrong_options_are_not() {
    let printed = trainer(&["recipe", "pix2pix"]).output().unwrap();
    assert!(String::from_utf8(printed.stdout).unwrap().contains("kind = \"unet_256\""));
    let mut child = trainer(&["recipe", "--from-pytorch-options", "-"]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"--model cycle_gan").unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && output.stdout.is_empty() && said.contains("--model pix2pix"), "{said}");
}

#[test]
fn a_checkpoint_of_pytorch_is_gone_on_from() {
    let folder = Folder::new(RECIPE);
    let theirs = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.pth"));
    let (fits, other) = (theirs("resnet_9_dry"), theirs("unet_128"));
    let printed = trainer(&["recipe", "pix2pix"]).output().unwrap();
    let recipe: toml::Table = String::from_utf8(printed.stdout).unwrap().parse().unwrap();
    let mut recipe = recipe;
    let sizes = "kind = \"resnet_9blocks\"\nwidth = 1\ndropout = 0.0".parse::<toml::Table>().unwrap();
    recipe.insert("architecture".into(), sizes.into());
    recipe.insert("rate".into(), 1e-9.into());
    let file = Path::new(&folder.out).with_file_name("resnet.toml");
    std::fs::write(&file, recipe.to_string()).unwrap();
    let start = |init: &Path| {
        let mut args: Vec<String> = folder.fit().into_iter().map(str::to_owned).collect();
        let config = args.iter().position(|arg| arg == "--config").unwrap() + 1;
        args[config] = file.to_str().unwrap().into();
        let more = ["--epochs", "1", "--epochs-decay", "0", "--crop", "32", "--load", "0", "--ndf", "4", "--init"];
        args.extend(more.map(str::to_owned));
        args.push(init.to_str().unwrap().into());
        args
    };
    let wrong = start(&other);
    let output = run(&wrong.iter().map(String::as_str).collect::<Vec<_>>());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && said.contains("it is a unet_128, but the recipe trains a resnet_9blocks"),
        "{said}"
    );
    assert!(!Path::new(&folder.out).exists(), "nothing is begun");

    let right = start(&fits);
    succeed(&right.iter().map(String::as_str).collect::<Vec<_>>());
    let wanted = sakuga::models::import::read(&fits, &Default::default()).unwrap().tensors;
    let found =
        candle_core::safetensors::load(Path::new(&folder.out).join("generator.safetensors"), &candle_core::Device::Cpu);
    let found = found.unwrap();
    for (name, tensor) in wanted.iter().filter(|(name, _)| name.ends_with("conv.weight")) {
        let apart = (tensor - &found[name]).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(apart < 1e-5, "{name} moved by {apart} at a rate of nearly nothing");
    }
}

/// A generator with a noise input learns, becomes a model that draws by chance, and is no network of PyTorch's.
#[test]
fn noise_beside_the_photo_makes_drawings_differ() {
    let folder = Folder::new(RECIPE);
    let mut args = folder.fit();
    let config = args.iter().position(|arg| *arg == "--config").unwrap();
    args.splice(config..config + 2, ["--recipe", "pix2pix"]);
    let sizes = ["--ngf", "2", "--ndf", "2", "--noise", "2", "--epochs", "1", "--epochs-decay", "0", "--batch", "4"];
    args.extend(sizes);
    succeed(&args);
    let models = Path::new(&folder.out).join("models");
    let models = models.to_str().unwrap();
    succeed(&["publish", &folder.out, "--name", "noisy", "--models", models]);
    let card = std::fs::read_to_string(Path::new(models).join("noisy.toml")).unwrap();
    assert!(card.contains("noise = 2") && !card.contains("statistics"), "{card}");

    let sakuga = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sakuga"));
        command.args(args).args(["--models", models]).output().unwrap()
    };
    let photo = std::fs::read_dir(Path::new(&folder.data).join("val")).unwrap().next().unwrap().unwrap().path();
    let draw = |out: &str, seed: &[&str]| {
        let out = Path::new(&folder.out).join(out);
        let args =
            ["stylize", photo.to_str().unwrap(), "-o", out.to_str().unwrap(), "--model", "noisy", "--device", "cpu"];
        let output = sakuga(&[&args[..], seed].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read(out).unwrap()
    };
    let (one, again, two) =
        (draw("1.png", &["--seed", "1"]), draw("2.png", &["--seed", "1"]), draw("3.png", &["--seed", "2"]));
    assert!(one == again && one != two && draw("4.png", &[]) != one);
    let best = draw("5.png", &["--candidates", "2", "--seed", "1"]);
    assert!(best == one || best == two);
    for to in ["pth", "onnx"] {
        let out = Path::new(&folder.out).join("out").with_extension(to);
        let output = sakuga(&["export", "noisy", "--to", to, "-o", out.to_str().unwrap()]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains("noise beside the photo") && !out.exists(), "{said}");
    }
}

#[test]
fn a_discriminator_is_gone_on_from() {
    let one = |recipe: &str| {
        Folder::new(&recipe.replace("epochs = 3", "epochs = 1").replace("epochs_decay = 3", "epochs_decay = 0"))
    };
    let recipe = RECIPE.replace("adversarial_from = 2", "adversarial_from = 0");
    let first = one(&recipe);
    succeed(&first.fit());
    let init = Path::new(&first.out).join("discriminator.safetensors");
    let second = one(&recipe);
    let start = |init: &Path| -> Vec<String> {
        let more = ["--seed", "9", "--discriminator-rate", "1e-9", "--init-discriminator", init.to_str().unwrap()];
        second.fit().into_iter().chain(more).map(str::to_owned).collect()
    };
    let theirs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/judge_basic.pth");
    let wrong = start(&theirs);
    let output = run(&wrong.iter().map(String::as_str).collect::<Vec<_>>());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("but the recipe's has inputs = 6"), "{said}");

    succeed(&start(&init).iter().map(String::as_str).collect::<Vec<_>>());
    let load = |out: &str| {
        let file = Path::new(out).join("discriminator.safetensors");
        candle_core::safetensors::load(file, &candle_core::Device::Cpu).unwrap()
    };
    let (before, after) = (load(&first.out), load(&second.out));
    for (name, tensor) in before.iter().filter(|(name, _)| name.ends_with("conv.weight")) {
        let apart = (tensor - &after[name]).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(apart < 1e-5, "{name} moved by {apart} at a rate of nearly nothing");
    }
}
