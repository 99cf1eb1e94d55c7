//! What is no HTTP, or never becomes a request, is told so all the same.

use std::io::Write;

use serde_json::Value;

use super::harness::{Server, read_all};

/// Asserts that this is a whole problem of that status; its detail.
#[track_caller]
fn told(answer: &str, status: u16) -> String {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    for line in ["content-type: application/problem+json", "connection: close", "cache-control: no-store"] {
        assert!(head.contains(line), "{line} is not in {head}");
    }
    assert!(head.contains(&format!("content-length: {}", body.len())), "{answer}");
    let document: Value = serde_json::from_str(body).unwrap();
    assert_eq!(document["status"], status);
    let id = document["instance"].as_str().unwrap();
    assert!(!id.is_empty() && head.contains(&format!("x-request-id: {id}")), "{answer}");
    document["detail"].as_str().unwrap().to_owned()
}

#[test]
fn what_is_no_request_is_answered_with_a_problem() {
    let server = Server::start(&[]);
    for wrong in ["nonsense\r\n\r\n", "GET /livez HTTP/7.0\r\n\r\n", "GET /livez HTTP/1.1\r\nHo st: x\r\n\r\n"] {
        assert!(told(&server.raw(wrong.as_bytes()), 400).contains("HTTP/1.1"), "{wrong:?}");
    }
    let headers: String = (0..200).map(|number| format!("X-{number}: a\r\n")).collect();
    let detail = told(&server.raw(format!("GET /livez HTTP/1.1\r\nHost: x\r\n{headers}\r\n").as_bytes()), 431);
    assert!(detail.contains("100"), "{detail}");
    server.assert_works();
}

#[test]
fn a_wrong_request_behind_a_good_one_is_told_too() {
    let server = Server::start(&[]);
    let mut stream = server.connect();
    stream.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut seen = Vec::new();
    while !seen.ends_with(b"{\"status\":\"live\"}") {
        let mut byte = [0];
        std::io::Read::read_exact(&mut stream, &mut byte).unwrap();
        seen.push(byte[0]);
    }
    stream.write_all(b"nonsense\r\n\r\n").unwrap();
    told(&read_all(stream), 400);
}

#[test]
fn a_head_that_comes_too_slowly_is_told_so() {
    let server = Server::start(&["--header-timeout", "0.5"]);
    let mut stream = server.connect();
    stream.write_all(b"GET /livez HTTP/1.1\r\nHost:").unwrap();
    assert!(told(&read_all(stream), 408).contains("0.5 s"));
    server.assert_works();
}
