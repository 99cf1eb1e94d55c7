//! The web page in a real browser, on the real service with the models of the
//! repository. What the visitor does is in `tests/browser/page.mjs`.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Loading and warming up, unoptimised, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// Killed when the test ends, however it ends.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A service that is ready, and its address.
fn serve(models: &Path) -> (Service, String) {
    let child = Command::new(env!("CARGO_BIN_EXE_sakuga"))
        .args(["serve", "--port", "0", "--device", "cpu", "--log", "warn", "--models"])
        .arg(models)
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

#[test]
fn the_page_draws_a_photo() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let browser = root.join("tests/browser");
    let node = Command::new("node").arg("--version").stdout(Stdio::null()).status();
    assert!(node.is_ok_and(|status| status.success()), "Node.js is missing: `make test` installs it");
    assert!(
        browser.join("node_modules/playwright-core").is_dir(),
        "playwright-core is missing: `make test` installs it"
    );

    let (_service, address) = serve(&root.join("models"));
    let walk = Command::new("node")
        .arg(browser.join("page.mjs"))
        .arg(&address)
        .arg(root.join("tests/pictures/astronaut.jpg"))
        .output()
        .unwrap();
    let told = [walk.stdout, walk.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(walk.status.success(), "{}{}", told[0], told[1]);
    assert!(told[0].contains("the page works"), "{}", told[0]);
}
