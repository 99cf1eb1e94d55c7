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

#[test]
fn the_page_is_served_and_asked_for_only_once() {
    let server = Server::start(&[]);
    let page = server.get("/");
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers()["cache-control"], "no-cache");
    let tag = page.headers()["etag"].clone();
    let html = page.text().unwrap();

    // What the page names is there, under a type that a browser takes.
    let sources = html.split(['"', '\'']).filter(|word| word.ends_with(".js") || word.ends_with(".css"));
    let sources: Vec<&str> = sources.collect();
    assert!(!sources.is_empty());
    for source in sources {
        let file = server.get(&format!("/{}", source.trim_start_matches('/')));
        assert_eq!(file.status(), 200, "{source}");
        let kind = if source.ends_with(".js") { "text/javascript" } else { "text/css" };
        assert!(file.headers()["content-type"].to_str().unwrap().starts_with(kind), "{source}");
    }

    let again = reqwest::blocking::Client::new().get(server.url("/")).header("if-none-match", tag.clone());
    let again = again.send().unwrap();
    assert_eq!((again.status().as_u16(), &again.headers()["etag"]), (304, &tag));
    assert!(again.bytes().unwrap().is_empty());
}
