//! `sakuga import` from outside: the real binary, real and broken checkpoints.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fn golden(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)).unwrap()
}

fn sakuga(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sakuga")).current_dir(folder).args(args).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// A zip of one folder, as PyTorch writes it.
fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        zip.start_file(format!("archive/{name}"), stored).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A string in a pickle.
fn text(value: &str) -> Vec<u8> {
    [b"X".as_slice(), &(value.len() as u32).to_le_bytes(), value.as_bytes()].concat()
}

/// The pickle of a dict of one tensor of so many floats in the storage 0, which
/// is said to hold `stored`.
fn one_tensor(name: &str, shape: [i32; 2], stored: i32) -> Vec<u8> {
    let int = |value: i32| [b"J".as_slice(), &value.to_le_bytes()].concat();
    [
        b"\x80\x02}".to_vec(),
        text(name),
        b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
        text("storage"),
        b"ctorch\nFloatStorage\n".to_vec(),
        text("0"),
        text("cpu"),
        int(stored),
        b"tQK\0".to_vec(),
        int(shape[0]),
        int(shape[1]),
        b"\x86".to_vec(),
        int(shape[1]),
        b"K\x01\x86\x89}tRs.".to_vec(),
    ]
    .concat()
}

/// Imports `bytes` and must fail with one line that says `needle`, leaving nothing.
#[track_caller]
fn refuses(what: &str, bytes: &[u8], needle: &str) {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("net.pth"), bytes).unwrap();
    let output = sakuga(folder.path(), &["import", "net.pth", "--name", "mine"]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{what}: {said}");
    assert!(said.starts_with("error: cannot import net.pth: it ") && said.lines().count() == 1, "{what}: {said}");
    assert!(said.contains(needle), "{what}: {said}");
    assert_eq!(files(folder.path()).len(), 1, "{what} left files");
}

#[test]
fn an_imported_model_draws_at_once() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    fs::write(root.join("latest_net_G.pth"), golden("unet_128.pth")).unwrap();
    let output = sakuga(root, &["import", "latest_net_G.pth", "--name", "mine", "--arch", "auto", "--norm", "batch"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let card = fs::read_to_string(root.join("models/mine.toml")).unwrap();
    assert!(card.contains("kind = \"unet_128\"") && card.contains("width = 2"), "{card}");
    assert!(!card.contains("max_side") && !card.contains("reach"), "{card}");
    assert!(root.join("weights/mine.safetensors").is_file());

    let photo = image::RgbImage::from_fn(150, 90, |x, y| image::Rgb([x as u8, 2 * y as u8, 77]));
    photo.save(root.join("photo.png")).unwrap();
    let output = sakuga(root, &["stylize", "photo.png", "-o", "drawn.png", "--model", "mine", "--device", "cpu"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let drawn = image::open(root.join("drawn.png")).unwrap().into_rgb8();
    assert_eq!(drawn.dimensions(), photo.dimensions());
    assert_ne!(drawn, photo);
    let listed = sakuga(root, &["models"]);
    assert!(String::from_utf8(listed.stdout).unwrap().starts_with("mine (default): mine"));
}

/// A real checkpoint's entries in a folder of that name, with the ZIP64 records
/// that PyTorch puts between the directory and its end.
fn named(folder: &str) -> Vec<u8> {
    let mut from = zip::ZipArchive::new(Cursor::new(golden("unet_128.pth"))).unwrap();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for i in 0..from.len() {
        let mut entry = from.by_index(i).unwrap();
        let name = entry.name().unwrap().split_once('/').unwrap().1.to_owned();
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        zip.start_file(format!("{folder}/{name}"), stored).unwrap();
        std::io::copy(&mut entry, &mut zip).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    let end = bytes.len() - 22;
    let number =
        |at: usize, length: usize| bytes[end + at..][..length].iter().rev().fold(0, |n, b| n << 8 | u64::from(*b));
    let (count, size, start) = (number(10, 2), number(12, 4), number(16, 4));
    let record = [44, 0x1e_03_2d, 0, count, count, size, start].map(u64::to_le_bytes);
    let mut records = b"PK\x06\x06".to_vec();
    records.extend(record[0]);
    records.extend(&record[1][..4]);
    records.extend(record[2]);
    records.extend(record[3..].concat());
    records.extend(b"PK\x06\x07\0\0\0\0");
    records.extend((end as u64).to_le_bytes());
    records.extend(1u32.to_le_bytes());
    assert_eq!(records.len(), 76);
    [&bytes[..end], &records, &bytes[end..]].concat()
}

#[test]
fn a_checkpoint_of_any_name_is_read() {
    // With 21 letters the first entry's header has as many bytes as the ZIP64 records.
    for letters in [5, 20, 21, 22] {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("net.pth"), named(&"n".repeat(letters))).unwrap();
        let output = sakuga(folder.path(), &["import", "net.pth", "--name", "mine"]);
        assert_eq!(output.status.code(), Some(0), "{letters} letters: {}", stderr(&output));
    }
}

#[test]
fn importing_again_replaces_and_failing_keeps() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    fs::write(root.join("good.pth"), golden("unet_128.pth")).unwrap();
    fs::write(root.join("bad.pth"), &golden("unet_128.pth")[..50_000]).unwrap();
    let import =
        |file: &str| sakuga(root, &["import", file, "--name", "mine", "--models", "here/models"]).status.code();
    let state = || (fs::read(root.join("here/models/mine.toml")).unwrap(), files(&root.join("here/weights")));
    assert_eq!(import("good.pth"), Some(0));
    let first = state();
    assert_eq!(import("bad.pth"), Some(1));
    assert_eq!(state(), first);
    assert_eq!(import("good.pth"), Some(0));
    assert_eq!(state(), first);
}

#[test]
fn what_is_no_checkpoint_is_refused() {
    refuses("nothing", b"", "neither a zip nor");
    refuses("a picture", b"\x89PNG\r\n\x1a\n and so on", "neither a zip nor");
    refuses("a zip of something", &archive(&[("notes.txt", b"hello")]), "no data.pkl");
    refuses("a zip's head", b"PK\x03\x04 and no more", "is damaged");
    let legacy = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.";
    refuses("half of the old container", legacy, "ends too early");
    let script = archive(&[("data.pkl", b"\x80\x02}."), ("constants.pkl", b"\x80\x02).")]);
    refuses("TorchScript", &script, "TorchScript");
}

#[test]
fn pickles_that_want_to_run_code_are_refused_by_name() {
    let folder = TempDir::new().unwrap();
    let trace = folder.path().join("trace");
    let command = format!("touch {}", trace.display());
    for (module, name) in
        [("posix", "system"), ("builtins", "eval"), ("torch", "load"), ("models.networks", "UnetGenerator")]
    {
        let call = format!("\u{0}c{module}\n{name}\n(");
        let pickle = [b"\x80\x02".as_slice(), &call.as_bytes()[1..], &text(&command), b"tR."].concat();
        refuses(name, &archive(&[("data.pkl", &pickle)]), &format!("\"{module}.{name}\""));
    }
    assert!(!trace.exists());
    // The same by instructions that build objects without GLOBAL.
    for code in [b"\x80\x02(iposix\nsystem\n.".as_slice(), b"\x80\x02\x93.", b"\x80\x02\x82\x01."] {
        refuses("another instruction", &archive(&[("data.pkl", code)]), "no part of a state dict");
    }
}

#[test]
fn what_is_damaged_is_refused() {
    let whole = golden("unet_128.pth");
    for length in [10, 1_000, whole.len() / 2, whole.len() - 1] {
        refuses("half a file", &whole[..length], "damaged");
    }
    let old = golden("unet_128_instance.pth");
    for length in [60, 1_000, 20_000, old.len() - 1] {
        refuses("half an old file", &old[..length], "damaged");
    }
    // One bit in the numbers of the largest tensors, which lie in the middle.
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    refuses("a flipped bit", &flipped, "damaged");

    let name = "model.model.0.weight";
    let of = |pickle: &[u8]| archive(&[("data.pkl", pickle), ("data/0", &[0; 64])]);
    refuses("a tensor beyond its storage", &of(&one_tensor(name, [4, 5], 16)), "does not lie in its storage");
    refuses("a tensor beyond counting", &of(&one_tensor(name, [i32::MAX, i32::MAX], i32::MAX)), "does not lie");
    refuses("a huge tensor", &of(&one_tensor(name, [1 << 12, 1 << 12], 1 << 24)), "larger than the file");
    refuses("a negative size", &of(&one_tensor(name, [-4, 4], 16)), "does not lie");
    refuses("a huge text", &of(b"\x80\x02}X\xff\xff\xff\xff"), "ends too early");
    refuses("a long pickle", &of(&[b'N'; (1 << 20) + 1]), "more than 1048576");
    // Each level names the one before it twice: 2^60 values, were they copied.
    let bomb = [b"\x80\x02)".as_slice(), &b"q\0h\0\x86".repeat(60), b"."].concat();
    refuses("a bomb", &of(&bomb), "no dict");
    // Deep enough to end a reader that recurses.
    let deep = [b"\x80\x02)".as_slice(), &[0x85; 1_000_000], b"."].concat();
    refuses("a deep nest", &of(&deep), "no dict");
    let itself = [b"\x80\x02}q\0".as_slice(), &text(name), b"h\0s."].concat();
    refuses("a dict in itself", &of(&itself), "is no tensor");
}

#[test]
fn other_networks_are_refused_by_name() {
    let of = |name: &str| archive(&[("data.pkl", &one_tensor(name, [4, 4], 16)), ("data/0", &[0; 64])]);
    refuses("a discriminator", &of("model.0.weight"), "discriminator: import the generator");
    refuses("something else", &of("conv1.weight"), "neither \"model.model.0.weight\" nor \"model.1.weight\", but");
    refuses(
        "not a state dict",
        &archive(&[("data.pkl", &[b"\x80\x02}".as_slice(), &text("epoch"), b"K\x07s."].concat())]),
        "\"epoch\"",
    );
    refuses("an empty one", &archive(&[("data.pkl", b"\x80\x02}.")]), "empty");
}

#[test]
fn wrong_usage_is_told_apart() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("net.pth"), golden("unet_128.pth")).unwrap();
    for args in [&["import", "net.pth"][..], &["import", "net.pth", "--name", "a", "--arch", "vgg"]] {
        assert_eq!(sakuga(folder.path(), args).status.code(), Some(2), "{args:?}");
    }
    let output = sakuga(folder.path(), &["import", "net.pth", "--name", "../up"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("cannot be a model's name"), "{}", stderr(&output));
    let output = sakuga(folder.path(), &["import", "none.pth", "--name", "mine"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).starts_with("error: cannot import none.pth: it cannot be read"), "{}", stderr(&output));
    assert_eq!(files(folder.path()).len(), 1);
}
