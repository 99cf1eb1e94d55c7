//! The headers around everything.

use super::harness::Server;

#[test]
fn every_answer_keeps_a_browser_from_more() {
    let server = Server::start(&[]);
    for path in ["/livez", "/v1/models", "/nothing"] {
        let answer = server.get(path);
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'self'; img-src 'self' blob: data:;"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("x-frame-options"), "DENY");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("cache-control"), "no-store");
    }
}
