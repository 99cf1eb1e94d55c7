//! A run loses nothing: to divergence, to a full disk, to a broken file.

use super::{Folder, RECIPE, TRAINER, checkpoints, rows, run, succeed};
use candle_core::{Device, Tensor};
use indicatif::ProgressBar;
use sakuga::train::dataset::{Direction, Pairs, Split};
use sakuga::train::run::Run;
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;

fn weights(out: &Path) -> [Vec<u8>; 2] {
    ["generator.safetensors", "discriminator.safetensors"].map(|file| fs::read(out.join(file)).unwrap())
}

/// Makes the run in `out` one of `epochs` epochs at the full rate.
fn lengthen(out: &Path, epochs: usize) {
    let file = out.join("recipe.toml");
    let text = fs::read_to_string(&file).unwrap();
    let text: String = text
        .lines()
        .map(|line| match line.split_once(" = ") {
            Some(("epochs", _)) => format!("epochs = {epochs}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    fs::write(file, text).unwrap();
}

fn short() -> String {
    RECIPE.replace("epochs = 3", "epochs = 2").replace("epochs_decay = 3", "epochs_decay = 0")
}

#[test]
fn a_run_that_diverges_goes_back_and_on_at_half_the_rate() {
    let folder = Folder::new(&short());
    succeed(&folder.fit());
    let out = Path::new(&folder.out);
    lengthen(out, 4);
    let mut resumed = Run::resume(out, Device::Cpu).unwrap();
    let weights = candle_core::safetensors::load(out.join("generator.safetensors"), &Device::Cpu).unwrap();
    let poison = |tensor: &Tensor| (tensor * f64::NAN).unwrap();
    let poisoned: HashMap<_, _> = weights.iter().map(|(name, tensor)| (name.clone(), poison(tensor))).collect();
    resumed.trainer().start_from(&poisoned).unwrap();
    let pairs = Pairs::open(Path::new(&folder.data), Split::Train, Direction::AtoB).unwrap();
    pairs.preload(&ProgressBar::hidden()).unwrap();
    resumed.fit(pairs, None, 1).unwrap();

    let rows = rows(out);
    assert_eq!(rows.len(), 4);
    let of = |name: &str| rows.iter().map(|row| row[name].as_f64().unwrap()).collect::<Vec<_>>();
    assert_eq!(of("rollbacks"), [0.0, 0.0, 1.0, 1.0]);
    assert_eq!(of("rate_share"), [1.0, 1.0, 0.5, 0.5]);
    assert!(of("l1").iter().all(|l1| *l1 < 1.0));
}

#[test]
fn a_full_disk_is_an_error_that_loses_nothing() {
    let whole = Folder::new(&short());
    succeed(&whole.fit());
    lengthen(Path::new(&whole.out), 4);
    succeed(&["fit", "--resume", &whole.out, "--device", "cpu"]);

    let folder = Folder::new(&short());
    succeed(&folder.fit());
    let out = Path::new(&folder.out);
    let before = (checkpoints(out), rows(out), weights(out));
    lengthen(out, 4);
    // Files may grow to a few blocks: checkpoints are larger. The signal that
    // says so is ignored, so that writing fails as on a full disk.
    let script = "trap '' XFSZ; ulimit -f 8; exec \"$0\" fit --resume \"$1\" --device cpu";
    let output = Command::new("sh").args(["-c", script, TRAINER, &folder.out]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot write") && said.contains("epoch-0003.safetensors"), "{said}");
    assert_eq!((checkpoints(out), rows(out), weights(out)), before, "and nothing half written beside them");

    succeed(&["fit", "--resume", &folder.out, "--device", "cpu"]);
    assert!(weights(out) == weights(Path::new(&whole.out)), "it goes on as if the disk had never been full");
}

#[test]
fn a_changed_checkpoint_is_named_and_the_one_before_serves() {
    let folder = Folder::new(&short());
    succeed(&folder.fit());
    let out = Path::new(&folder.out);
    assert_eq!(checkpoints(out), ["best", "epoch-0000", "epoch-0001", "epoch-0002"]);
    let wanted = (weights(out), rows(out).len());
    let newest = out.join("checkpoints/epoch-0002.safetensors");
    let mut bytes = fs::read(&newest).unwrap();
    let last = bytes.len() - 5;
    bytes[last] ^= 1;
    fs::write(&newest, bytes).unwrap();

    let output = run(&["fit", "--resume", &folder.out, "--device", "cpu"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("epoch-0002.safetensors") && said.contains("checksum") && said.contains("remove it"),
        "{said}"
    );

    fs::remove_file(newest).unwrap();
    succeed(&["fit", "--resume", &folder.out, "--device", "cpu"]);
    assert!((weights(out), rows(out).len()) == wanted);
}

#[test]
fn as_many_checkpoints_are_kept_as_asked_for() {
    let folder = Folder::new(&short());
    let mut args = folder.fit();
    args.extend(["--keep", "1"]);
    succeed(&args);
    assert_eq!(checkpoints(Path::new(&folder.out)), ["best", "epoch-0002"]);
}

/// Killed in its first epoch, a run still starts from the weights it was given.
#[test]
fn given_weights_are_in_the_first_checkpoint() {
    let first = Folder::new(&short());
    succeed(&first.fit());
    let init = Path::new(&first.out).join("generator.safetensors");
    let second = Folder::new(&short());
    let mut args = second.fit();
    args.extend(["--init", init.to_str().unwrap()]);
    succeed(&args);
    let out = Path::new(&second.out);
    let wanted = weights(out);
    for name in ["epoch-0001", "epoch-0002"] {
        fs::remove_file(out.join("checkpoints").join(format!("{name}.safetensors"))).unwrap();
    }
    succeed(&["fit", "--resume", &second.out, "--device", "cpu"]);
    assert!(weights(out) == wanted, "it went on from the weights given");
}
