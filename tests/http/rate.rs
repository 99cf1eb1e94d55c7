//! How often one client may ask.

use super::harness::{Server, problem};

/// The status of a request for work that says it was passed on for these.
fn ask(server: &Server, forwarded: &str) -> reqwest::blocking::Response {
    server.stylize("").header("x-forwarded-for", forwarded).body("no photo").send().unwrap()
}

#[test]
fn each_client_behind_a_trusted_proxy_has_its_own_turns() {
    let server = Server::start(&["--rate-limit", "1", "--trusted-proxies", "10.0.0.0/8,127.0.0.1"]);
    assert_eq!(ask(&server, "198.51.100.1").status(), 415);
    let refused = ask(&server, "198.51.100.1");
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert!(problem(refused, 429).contains("1 times a minute"));
    assert_eq!(ask(&server, "198.51.100.1, 198.51.100.2").status(), 415, "the nearest hop is the client");
    assert_eq!(ask(&server, "198.51.100.3, 10.1.2.3").status(), 415, "behind two proxies");
    problem(ask(&server, "198.51.100.3"), 429);
    for open in ["/livez", "/v1/models", "/metrics"] {
        assert_eq!(server.get(open).status(), 200, "{open}");
    }
}

#[test]
fn a_client_cannot_choose_its_address() {
    let server = Server::start(&["--rate-limit", "1"]);
    assert_eq!(ask(&server, "198.51.100.1").status(), 415);
    problem(ask(&server, "198.51.100.2"), 429);
}
