//! A device that does not come back from its work.

use std::net::TcpListener;
use std::process::{Command, Stdio};

use super::harness::wait_until;
use super::pictures::png;
use super::tiny::publish_with;

#[test]
fn a_device_that_hangs_is_told_to_who_waits_and_ends_the_process() {
    let models = tempfile::TempDir::new().unwrap();
    publish_with(models.path(), "anime", &["cel"]);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    // Any pass takes longer than that: to the clock each is a device that hangs.
    let mut child = Command::new(env!("CARGO_BIN_EXE_sakuga"))
        .args(["serve", "--port", &free.port().to_string(), "--device", "cpu", "--device-timeout", "0.001"])
        .args(["--log", "off", "--models"])
        .arg(models.path().join("models"))
        .env_clear()
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let client = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
    let photo = png(1400, 1400);
    let mut answers = Vec::new();
    // Loading proves the models: the end may come before any request.
    wait_until(|| {
        let sent = client.post(format!("http://{free}/v1/stylize?max_side=1400")).body(photo.clone()).send();
        answers.extend(sent.map(|answer| answer.status().as_u16()));
        child.try_wait().unwrap().is_some()
    });
    assert!(answers.iter().all(|status| [200, 503].contains(status)), "{answers:?}");
    let ended = child.wait_with_output().unwrap();
    let message = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "whoever watches the process is told: {message}");
    assert!(message.trim().lines().count() == 1 && message.contains("did not end within 0.001 s"), "{message}");
}
