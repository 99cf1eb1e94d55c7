//! A service with a tiny model of its own, and ways to talk to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use reqwest::blocking::{Client, RequestBuilder, Response, multipart};
use serde_json::Value;
use tempfile::TempDir;

use super::tiny::publish_with;

/// Longer than anything here takes on a busy machine, so that a hang is a failure.
const PATIENCE: Duration = Duration::from_secs(180);

/// A running service; killed when dropped.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    client: Client,
    _models: TempDir,
}

impl Server {
    /// A service that is ready.
    pub fn start(flags: &[&str]) -> Self {
        let models = TempDir::new().unwrap();
        publish_with(models.path(), "anime", &["cel"]);
        let server = Self::start_with(models, flags);
        server.wait_until_ready();
        server
    }

    /// A service over these models, ready or not.
    pub fn start_with(models: TempDir, flags: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sakuga"))
            .args(["serve", "--port", "0", "--device", "cpu", "--models"])
            .arg(models.path().join("models"))
            .args(flags)
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit("http://").next().and_then(|address| address.parse().ok());
        let address = address.unwrap_or_else(|| panic!("no address in {line:?}"));
        let client = Client::builder().timeout(PATIENCE).no_proxy().build().unwrap();
        Self { child, address, client, _models: models }
    }

    pub fn wait_until_ready(&self) {
        wait_until(|| self.get("/readyz").status() == 200);
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn get(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().unwrap()
    }

    /// `POST /v1/stylize` with this query, to be filled.
    pub fn stylize(&self, query: &str) -> RequestBuilder {
        self.client.post(self.url(&format!("/v1/stylize{query}")))
    }

    /// The answer to a photo as a raw body.
    pub fn draw(&self, query: &str, photo: &[u8]) -> Response {
        self.stylize(query).body(photo.to_vec()).send().unwrap()
    }

    /// The answer to a form with a photo and these fields.
    pub fn draw_form(&self, photo: &[u8], fields: &[(&'static str, &'static str)]) -> Response {
        self.stylize("").multipart(form(photo, fields)).send().unwrap()
    }

    /// Asserts that a good photo is still drawn.
    #[track_caller]
    pub fn assert_works(&self) {
        let answer = self.draw("", &super::pictures::jpeg(24, 16));
        assert_eq!(answer.status(), 200, "a good photo must still be drawn");
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// A request with a body of `length` bytes that the service has begun to
    /// read, and of which nothing is sent yet.
    pub fn begin(&self, length: usize) -> TcpStream {
        let mut stream = self.connect();
        let head = format!(
            "POST /v1/stylize HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\
             Connection: close\r\nExpect: 100-continue\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut go_on = [0; 25];
        stream.read_exact(&mut go_on).unwrap();
        assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream
    }

    /// The answer to a plain `GET` on a connection of its own.
    pub fn get_raw(&self, path: &str) -> String {
        self.raw(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes())
    }

    /// Sends these bytes and reads until the service closes the connection.
    pub fn raw(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(request).unwrap();
        read_all(stream)
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status();
        assert!(sent.unwrap().success());
    }

    /// The process's memory in bytes: `VmRSS`, or at most so far `VmHWM`.
    #[cfg(target_os = "linux")]
    pub fn memory(&self, what: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
        line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap() << 10
    }

    /// Waits for the process's end.
    pub fn wait(&mut self) -> (ExitStatus, Duration) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, start.elapsed());
            }
            assert!(start.elapsed() < PATIENCE, "never ends");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until it is so.
#[track_caller]
pub fn wait_until(mut it_is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !it_is_so() {
        assert!(start.elapsed() < PATIENCE, "it never is");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn read_all(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset after the answer is as good an end as any.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

pub fn form(photo: &[u8], fields: &[(&'static str, &'static str)]) -> multipart::Form {
    let photo = multipart::Part::bytes(photo.to_vec()).file_name("../../name.jpg");
    fields.iter().fold(multipart::Form::new().part("image", photo), |form, (name, value)| form.text(*name, *value))
}

/// Asserts that this is a problem of that status, whole in its fields; its detail.
#[track_caller]
pub fn problem(answer: Response, status: u16) -> String {
    let headers = answer.headers().clone();
    assert_eq!(answer.status(), status);
    assert_eq!(headers["content-type"], "application/problem+json");
    assert_eq!(headers["cache-control"], "no-store");
    let id = headers["x-request-id"].to_str().unwrap().to_owned();
    let document: Value = answer.json().unwrap();
    assert_eq!(document["status"], status);
    assert_eq!(document["instance"], id.as_str());
    assert!(document["type"].as_str().unwrap().starts_with("urn:sakuga:problem:"), "{document}");
    assert!(!document["title"].as_str().unwrap().is_empty());
    if matches!(status, 429 | 503) {
        let wait: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!(wait >= 1, "Retry-After: {wait}");
    }
    document["detail"].as_str().unwrap().to_owned()
}
