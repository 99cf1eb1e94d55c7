//! Spans at a collector, which here is a socket that keeps what it is sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;

use super::harness::Server;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// A collector's address, and what was posted to it: request line and body.
fn collector() -> (String, mpsc::Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, received) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && reader.read_until(b'\n', &mut head).unwrap() > 0 {}
            let head = String::from_utf8(head).unwrap().to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            reader.read_exact(&mut body).unwrap();
            let _ = reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            let _ = sender.send((head.lines().next().unwrap_or_default().to_owned(), body));
        }
    });
    (address, received)
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

#[test]
fn a_request_is_a_span_of_its_clients_trace() {
    let (address, received) = collector();
    let mut server = Server::start(&["--otlp-endpoint", &address]);
    let photo = super::pictures::jpeg(24, 16);
    let asked = server.stylize("?seed=7").header("traceparent", format!("00-{TRACE}-{PARENT}-01")).body(photo);
    assert_eq!(asked.send().unwrap().status(), 200);
    // What is gathered is sent at the end at the latest.
    server.signal("TERM");
    assert!(server.wait().0.success());
    let spans: Vec<_> = received.try_iter().collect();
    let (line, body) = spans.iter().find(|(_, body)| contains(body, &bytes(TRACE))).expect("the trace was not sent");
    assert_eq!(line, "post /v1/traces http/1.1");
    assert!(contains(body, &bytes(PARENT)), "the client's span is the parent");
    for said in ["/v1/stylize", "http.response.status_code", "sakuga.stages", "infer;dur=", "service.name"] {
        assert!(contains(body, said.as_bytes()), "{said}");
    }
    assert!(!contains(body, b"seed"), "no parameter is told");
}

#[test]
fn a_service_works_without_its_collector() {
    let server = Server::start(&["--otlp-endpoint", "http://127.0.0.1:9"]);
    server.assert_works();
}
