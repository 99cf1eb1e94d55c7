//! From the first probe to the last answer.

use std::io::Write;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::harness::{Server, problem, read_all, wait_until};
use super::pictures::jpeg;
use super::tiny::publish_with;

fn health(server: &Server) -> bool {
    let asked = Command::new(env!("CARGO_BIN_EXE_sakuga"))
        .args(["health", "--host", "0.0.0.0", "--port", &server.address.port().to_string()])
        .output()
        .unwrap();
    asked.status.success()
}

#[test]
fn ready_comes_after_the_models() {
    let models = TempDir::new().unwrap();
    publish_with(models.path(), "anime", &["cel"]);
    // The weights come through a pipe: the service waits until somebody writes.
    let weights = models.path().join("weights/anime.safetensors");
    let bytes = std::fs::read(&weights).unwrap();
    std::fs::remove_file(&weights).unwrap();
    assert!(Command::new("mkfifo").arg(&weights).status().unwrap().success());
    let server = Server::start_with(models, &[]);
    for probe in ["/readyz", "/v2/health/ready"] {
        assert!(problem(server.get(probe), 503).contains("being loaded"));
    }
    assert_eq!(server.get("/livez").status(), 200);
    assert_eq!(server.get("/v1/models").status(), 200);
    assert!(problem(server.draw("", &jpeg(8, 8)), 503).contains("being loaded"));
    assert!(!health(&server));
    std::fs::write(&weights, bytes).unwrap();
    server.wait_until_ready();
    for probe in ["/livez", "/readyz", "/v2/health/live", "/v2/health/ready"] {
        assert_eq!(server.get(probe).status(), 200, "{probe}");
    }
    assert!(health(&server));
    server.assert_works();
}

#[test]
fn a_model_that_does_not_load_keeps_the_service_unready() {
    let models = TempDir::new().unwrap();
    publish_with(models.path(), "anime", &["cel"]);
    let weights = models.path().join("weights/anime.safetensors");
    std::fs::write(&weights, b"damaged").unwrap();
    let server = Server::start_with(models, &[]);
    wait_until(|| !problem(server.get("/readyz"), 503).contains("being loaded"));
    let detail = problem(server.get("/readyz"), 503);
    assert!(detail.contains("log") && !detail.contains("safetensors"), "no path is told: {detail}");
    assert_eq!(server.get("/livez").status(), 200);
    problem(server.draw("", &jpeg(8, 8)), 503);
    assert!(!health(&server));
}

#[test]
fn sigterm_lets_requests_in_flight_finish() {
    for signal in ["TERM", "INT"] {
        let mut server = Server::start(&[]);
        let photo = jpeg(40, 40);
        let mut stream = server.begin(photo.len());
        stream.write_all(&photo[..50]).unwrap();

        server.signal(signal);
        wait_until(|| server.get_raw("/readyz").starts_with("HTTP/1.1 503 "));
        assert!(server.get_raw("/readyz").contains("stopping"));
        assert!(server.get_raw("/livez").starts_with("HTTP/1.1 200 "));
        problem(server.draw("", &photo), 503);

        stream.write_all(&photo[50..]).unwrap();
        let answer = read_all(stream);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let (status, took) = server.wait();
        assert_eq!(status.code(), Some(0));
        assert!(took < Duration::from_secs(8), "{took:?}");
    }
}

#[test]
fn after_sigterm_work_is_taken_until_the_balancer_has_noticed() {
    let mut server = Server::start(&["--shutdown-delay", "3"]);
    server.signal("TERM");
    wait_until(|| server.get_raw("/readyz").starts_with("HTTP/1.1 503 "));
    assert!(server.get_raw("/metrics").contains("sakuga_ready 0"));
    server.assert_works();
    let (status, took) = server.wait();
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(15), "{took:?}");
}

#[test]
fn an_idle_service_stops_at_once() {
    let mut server = Server::start(&[]);
    let _idle = server.connect();
    server.signal("TERM");
    let (status, took) = server.wait();
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(8), "an idle connection is not waited for: {took:?}");
}

#[test]
fn a_request_that_never_ends_does_not_hold_the_stop() {
    let mut server = Server::start(&["--shutdown-timeout", "1.5", "--body-timeout", "60"]);
    let _stream = server.begin(1000);
    server.signal("TERM");
    let (status, took) = server.wait();
    assert_eq!(status.code(), Some(0));
    assert!(took > Duration::from_millis(500) && took < Duration::from_secs(8), "{took:?}");
}

#[test]
fn a_second_signal_ends_at_once() {
    let mut server = Server::start(&["--body-timeout", "60"]);
    let _stream = server.begin(1000);
    server.signal("TERM");
    wait_until(|| server.get_raw("/readyz").starts_with("HTTP/1.1 503 "));
    server.signal("TERM");
    let (status, took) = server.wait();
    assert_eq!(status.code(), Some(1));
    assert!(took < Duration::from_secs(8), "{took:?}");
}

#[test]
fn a_taken_port_is_said_in_one_line() {
    let server = Server::start(&[]);
    let models = TempDir::new().unwrap();
    publish_with(models.path(), "anime", &["cel"]);
    let second = Command::new(env!("CARGO_BIN_EXE_sakuga"))
        .args(["serve", "--port", &server.address.port().to_string(), "--models"])
        .arg(models.path().join("models"))
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    let message = String::from_utf8(second.stderr).unwrap();
    assert!(message.trim().lines().count() == 1 && message.contains("--port"), "{message}");
}

#[test]
fn health_without_a_service_fails() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let asked = Command::new(env!("CARGO_BIN_EXE_sakuga")).args(["health", "--port", &free.to_string()]).output();
    let asked = asked.unwrap();
    assert_eq!(asked.status.code(), Some(1));
    assert_eq!(String::from_utf8(asked.stderr).unwrap().trim().lines().count(), 1);
}
