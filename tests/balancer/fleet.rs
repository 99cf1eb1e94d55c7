//! Three replicas of the service, and what a balancer needs to know of them.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use reqwest::blocking::Client;

/// Longer than anything here takes on a busy machine, so that a hang is a failure.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// A process that is killed when the test ends, however it ends.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One replica, at an address that it keeps over restarts.
pub struct Replica {
    models: PathBuf,
    pub port: u16,
    process: Process,
}

impl Replica {
    /// Starts one that is ready.
    pub fn start(models: &Path, port: u16) -> Self {
        let replica = Self { models: models.to_owned(), port, process: spawn(models, port) };
        replica.wait_until_ready();
        replica
    }

    /// SIGTERM, and the end that it leads to.
    pub fn stop(&mut self) {
        let told = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.process.0.id())]).status().unwrap();
        assert!(told.success());
        assert!(self.process.0.wait().unwrap().success(), "the replica stopped badly");
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.process.0.kill().unwrap();
        self.process.0.wait().unwrap();
    }

    pub fn start_again(&mut self) {
        self.process = spawn(&self.models, self.port);
        self.wait_until_ready();
    }

    /// How many requests for drawings it has answered since it started.
    pub fn drawn(&self) -> f64 {
        let metrics = self.get("/metrics").and_then(|answer| answer.text().ok()).unwrap_or_default();
        let counts = metrics.lines().filter(|line| line.starts_with("sakuga_requests_total{"));
        let counts = counts.filter(|line| line.contains("/v1/stylize") && line.contains("\"200\""));
        counts.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    fn wait_until_ready(&self) {
        wait_until("a replica is ready", || self.get("/readyz").is_some_and(|answer| answer.status() == 200));
    }

    fn get(&self, path: &str) -> Option<reqwest::blocking::Response> {
        let client = Client::builder().no_proxy().build().unwrap();
        client.get(format!("http://127.0.0.1:{}{path}", self.port)).send().ok()
    }
}

fn spawn(models: &Path, port: u16) -> Process {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sakuga"))
        .args(["serve", "--device", "cpu", "--threads", "1", "--log", "warn", "--shutdown-delay", "2"])
        .args(["--port", &port.to_string(), "--models"])
        .arg(models)
        .env_clear()
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("http://"), "no address in {line:?}");
    Process(child)
}

/// `count` ports that nobody listens on and no other test of this process was
/// given, below those that the system lends to outgoing connections: one that
/// is free now is free after a restart.
pub fn ports(count: usize) -> Vec<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + (std::process::id() % 9_000) as u16;
    let untried =
        std::iter::repeat_with(|| first + NEXT.fetch_add(1, Ordering::Relaxed)).take_while(|port| *port < 32_000);
    let free: Vec<u16> = untried.filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).take(count).collect();
    assert_eq!(free.len(), count, "no ports are left");
    free
}

pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
