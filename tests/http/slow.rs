//! Clients that take their time, and those that never come to an end.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use super::harness::{Server, read_all, wait_until};
use super::pictures::{jpeg, noise};

fn head(length: usize) -> String {
    format!("POST /v1/stylize HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n")
}

#[test]
fn slow_headers_are_cut() {
    let server = Server::start(&["--header-timeout", "0.5"]);
    let mut stream = server.connect();
    let start = Instant::now();
    // A byte every now and then does not help.
    for byte in b"GET /livez HTTP/1.1\r\nHost: x\r\nX-A: b" {
        if stream.write_all(&[*byte]).is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(read_all(stream).starts_with("HTTP/1.1 408 "), "told, and closed");
    let took = start.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    server.assert_works();
}

#[test]
fn idle_connections_are_closed() {
    let server = Server::start(&["--header-timeout", "0.3"]);
    let start = Instant::now();
    assert_eq!(read_all(server.connect()), "");
    assert!(start.elapsed() >= Duration::from_millis(250));
}

#[test]
fn a_body_that_stands_still_is_told_so() {
    let server = Server::start(&["--body-timeout", "0.5"]);
    let mut stream = server.connect();
    stream.write_all(format!("{}half", head(1000)).as_bytes()).unwrap();
    let start = Instant::now();
    let answer = read_all(stream);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(start.elapsed() >= Duration::from_millis(400));
    server.assert_works();
}

#[test]
fn a_slow_body_that_moves_is_waited_for() {
    let server = Server::start(&["--body-timeout", "1"]);
    let photo = jpeg(16, 16);
    let mut stream = server.connect();
    stream.write_all(head(photo.len()).as_bytes()).unwrap();
    let start = Instant::now();
    for piece in photo.chunks(photo.len().div_ceil(6)) {
        std::thread::sleep(Duration::from_millis(250));
        stream.write_all(piece).unwrap();
    }
    assert!(start.elapsed() > Duration::from_secs(1), "longer in all than one standstill may be");
    assert!(read_all(stream).starts_with("HTTP/1.1 200 "));
}

#[test]
fn an_answer_that_nobody_reads_is_given_up() {
    let server = Server::start(&["--body-timeout", "0.5"]);
    // Larger than both sockets' buffers together.
    let photo = noise(2200, 2200);
    let mut stream = server.connect();
    let request = head(photo.len()).replace("stylize", "stylize?strength=0&format=png&max_side=4000");
    stream.write_all(request.as_bytes()).unwrap();
    stream.write_all(&photo).unwrap();
    stream.read_exact(&mut [0; 12]).unwrap();
    std::thread::sleep(Duration::from_secs(3));
    let mut rest = Vec::new();
    let end = stream.read_to_end(&mut rest);
    assert!(end.is_err() || rest.len() < photo.len() * 9 / 10, "the answer was kept for a reader that slept");
    server.assert_works();
}

#[test]
fn over_the_connection_limit_only_the_probes_are_answered() {
    let server = Server::start(&["--max-connections", "4", "--header-timeout", "60"]);
    let held: Vec<_> = (0..4).map(|_| server.connect()).collect();
    wait_until(|| server.get_raw("/v1/models").starts_with("HTTP/1.1 503 "));
    let refused = server.get_raw("/v1/models");
    assert!(refused.contains("4 connections") && refused.contains("retry-after"), "{refused}");
    assert!(server.get_raw("/readyz").starts_with("HTTP/1.1 200 "), "a probe is always answered");
    drop(held);
    wait_until(|| server.get_raw("/v1/models").starts_with("HTTP/1.1 200 "));
}
