//! Requests that no client library sends.

use std::io::{Read, Write};

use super::harness::Server;
use super::pictures::png;

#[track_caller]
fn assert_status(answer: &str, status: u16) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
}

#[test]
fn a_request_names_its_host_once() {
    let server = Server::start(&[]);
    let answer = server.raw(b"GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert_status(&answer, 400);
    assert!(answer.contains("application/problem+json") && answer.contains("Host"), "{answer}");
    let twice = b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n";
    assert_status(&server.raw(twice), 400);
    assert_status(&server.raw(b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), 200);
    let old = server.raw(b"GET /livez HTTP/1.0\r\n\r\n");
    assert!(old.starts_with("HTTP/1.0 200"), "HTTP/1.0 has no Host: {old}");
    server.assert_works();
}

#[test]
fn what_is_not_http_is_refused() {
    let server = Server::start(&[]);
    assert_status(&server.raw(b"nonsense\r\n\r\n"), 400);
    assert_status(&server.raw(b"GET / HTTP/1.1\r\nno colon\r\n\r\n"), 400);
    let both = b"POST /v1/stylize HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n";
    assert_status(&server.raw(both), 400);
    let many = format!("GET /livez HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: b\r\n".repeat(500));
    assert_status(&server.raw(many.as_bytes()), 431);
    let long = format!("GET /livez HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n", "b".repeat(200_000));
    assert_status(&server.raw(long.as_bytes()), 431);
    server.assert_works();
}

#[test]
fn an_expected_refusal_comes_before_the_body() {
    let server = Server::start(&["--max-body", "10KB"]);
    let head = "POST /v1/stylize HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\nExpect: 100-continue\r\n\
                Connection: close\r\n\r\n";
    assert_status(&server.raw(head.as_bytes()), 413);
    let photo = png(10, 10);
    let mut stream = server.begin(photo.len());
    stream.write_all(&photo).unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
}

#[test]
fn a_length_that_is_too_short_does_not_shift_the_next_request() {
    let server = Server::start(&[]);
    // Four bytes are announced; what follows them is read as a request, which it is not.
    let request = b"POST /v1/stylize HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcdefgh\r\n\r\n";
    let answer = server.raw(request);
    assert_status(&answer, 415);
    assert!(answer.matches("HTTP/1.1 ").count() <= 2 && !answer.contains(" 200 "), "{answer}");
    server.assert_works();
}
