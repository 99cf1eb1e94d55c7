//! Who may ask.

use reqwest::Method;
use reqwest::blocking::Client;

use super::harness::{Server, problem, wait_until};
use super::pictures::jpeg;

#[test]
fn a_key_is_asked_for_and_the_file_is_read_again() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("keys");
    std::fs::write(&file, "# staff\n  first-key  \n\nsecond-key\n").unwrap();
    let server = Server::start(&["--api-keys", file.to_str().unwrap()]);
    let ask = |name: &str, value: &str| {
        server.stylize("").header(name, value).body(jpeg(8, 8)).send().unwrap().status().as_u16()
    };
    let refused = server.draw("", &jpeg(8, 8));
    assert_eq!(refused.headers()["www-authenticate"], "Bearer");
    assert!(problem(refused, 401).contains("X-API-Key"));
    problem(server.get("/v1/models"), 401);
    for key in ["first-key", "second-key"] {
        assert_eq!(ask("authorization", &format!("Bearer {key}")), 200);
        assert_eq!(ask("x-api-key", key), 200);
    }
    for wrong in ["", "first", "first-key2", "# staff", "Bearer first-key"] {
        assert_eq!(ask("x-api-key", wrong), 401, "{wrong:?}");
    }
    assert_eq!(ask("authorization", "Basic first-key"), 401);
    for open in ["/livez", "/readyz", "/metrics", "/", "/openapi.json"] {
        assert_eq!(server.get(open).status(), 200, "{open}");
    }
    std::fs::write(&file, "third-key").unwrap();
    wait_until(|| ask("x-api-key", "third-key") == 200);
    assert_eq!(ask("x-api-key", "first-key"), 401);
    std::fs::write(&file, "").unwrap();
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(ask("x-api-key", "third-key"), 200, "an empty file opens nothing and closes nothing");
}

#[test]
fn pages_elsewhere_call_only_where_they_are_named() {
    let server = Server::start(&["--cors-origins", "https://a.example,https://b.example"]);
    let ask = |origin: &str| {
        let headers = server.stylize("").header("origin", origin).body(jpeg(8, 8)).send().unwrap().headers().clone();
        headers.get("access-control-allow-origin").map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(ask("https://b.example").as_deref(), Some("https://b.example"));
    assert_eq!(ask("https://c.example"), None);
    let before = Client::new()
        .request(Method::OPTIONS, server.url("/v1/stylize"))
        .header("origin", "https://a.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "x-api-key,content-type")
        .send()
        .unwrap();
    assert_eq!(before.status(), 200);
    assert_eq!(before.headers()["access-control-allow-origin"], "https://a.example");
    let closed = Server::start(&[]);
    let answer = closed.stylize("").header("origin", "https://a.example").body(jpeg(8, 8)).send().unwrap();
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
}
