//! The web page in a real browser, on the real service. What the visitor does
//! is in `tests/browser`; here are the services that the page is served by.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[path = "http/tiny.rs"]
mod tiny;

/// Loading and warming up, unoptimised, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// What a visitor loads before a photo of theirs is there, samples left out.
const BUDGET: u64 = 150_000;

const STYLES: [&str; 4] = ["cel", "gouache", "luminous", "ink"];

/// Killed when the test ends, however it ends.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A service that is ready, and its address.
fn serve(models: &Path, flags: &[&str]) -> (Service, String) {
    let child = Command::new(env!("CARGO_BIN_EXE_sakuga"))
        .args(["serve", "--port", "0", "--device", "cpu", "--log", "warn", "--models"])
        .arg(models)
        .args(flags)
        .env_clear()
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut service = Service(child);
    let mut line = String::new();
    BufReader::new(service.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.split_whitespace().find(|word| word.starts_with("http://"));
    let address = address.unwrap_or_else(|| panic!("no address in {line:?}")).to_owned();

    let client = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
    let start = Instant::now();
    while !client.get(format!("{address}/readyz")).send().is_ok_and(|answer| answer.status() == 200) {
        assert!(start.elapsed() < PATIENCE, "never ready");
        std::thread::sleep(Duration::from_millis(100));
    }
    (service, address)
}

/// Walks through the page as `tests/browser/WALK` says.
fn walk(walk: &str, arguments: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let browser = root.join("tests/browser");
    let node = Command::new("node").arg("--version").stdout(Stdio::null()).status();
    assert!(node.is_ok_and(|status| status.success()), "Node.js is missing: `make test` installs it");
    for package in ["playwright-core", "axe-core"] {
        let there = browser.join("node_modules").join(package).is_dir();
        assert!(there, "{package} is missing: `make test` installs it");
    }
    let done =
        Command::new("node").arg(browser.join(walk)).args(arguments).arg(root.join("tests/pictures")).output().unwrap();
    let told = [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(done.status.success(), "{}{}", told[0], told[1]);
    assert!(told[0].contains("the page works"), "{}", told[0]);
}

#[test]
fn the_page_draws_a_photo_with_the_model_of_the_repository() {
    let (_service, address) = serve(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models"), &[]);
    walk("drawing.mjs", &[&address]);
}

#[test]
fn the_page_works_in_every_way() {
    let models = tempfile::tempdir().unwrap();
    tiny::publish_with(models.path(), "anime", &STYLES);
    let keys = models.path().join("keys");
    std::fs::write(&keys, "the-key-of-the-test\n").unwrap();
    let models = models.path().join("models");
    let (_open, address) = serve(&models, &["--max-body", "2MB"]);
    let (_locked, locked) = serve(&models, &["--api-keys", keys.to_str().unwrap()]);
    walk("page.mjs", &[&address, &locked]);
}

#[test]
fn the_page_stays_small_and_alone() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("static")];
    let mut bytes = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.extend((!path.ends_with("samples")).then_some(path));
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            bytes += text.len() as u64;
            // Of other places only the name of SVG is there.
            let elsewhere = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!elsewhere.contains("http://") && !elsewhere.contains("https://"), "{}", path.display());
        }
    }
    assert!((20_000..BUDGET).contains(&bytes), "the page has {bytes} bytes, the budget is {BUDGET}");
}
