//! The service in numbers.

use super::harness::{Server, wait_until};
use super::pictures::jpeg;

/// The value of the line that starts so.
fn value(server: &Server, line: &str) -> Option<f64> {
    let text = server.get("/metrics").text().unwrap();
    text.lines().find_map(|found| found.strip_prefix(line)?.trim().parse().ok())
}

#[test]
fn requests_pictures_and_stages_are_counted() {
    let server = Server::start(&[]);
    assert_eq!(server.draw("", &jpeg(30, 20)).status(), 200);
    assert_eq!(server.draw("", &jpeg(30, 20)).status(), 200);
    assert_eq!(server.draw("?colour=red", &jpeg(30, 20)).status(), 400);
    server.get("/nothing/at-all");
    server.get("/v1/models/secret-name");
    let answer = server.get("/metrics");
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = answer.text().unwrap();
    for line in [
        r#"sakuga_requests_total{route="/v1/stylize",method="POST",status="200"} 2"#,
        r#"sakuga_requests_total{route="/v1/stylize",method="POST",status="400"} 1"#,
        r#"sakuga_requests_total{route="/v1/models/{name}",method="GET",status="404"} 1"#,
        r#"sakuga_requests_total{route="/",method="GET",status="404"} 1"#,
        r#"sakuga_pictures_total{model="anime"} 2"#,
        r#"sakuga_pixels_total{model="anime"} 1200"#,
        r#"sakuga_panics_total{place="engine"} 0"#,
        "sakuga_batch_pictures_count 2",
        "sakuga_queue_depth 0",
        "sakuga_requests_in_flight 1",
        "sakuga_ready 1",
        "# TYPE sakuga_request_seconds histogram",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    for stage in ["decode", "queue", "infer", "encode"] {
        assert!(text.contains(&format!("sakuga_stage_seconds_count{{stage=\"{stage}\"}} 2")), "{stage} in\n{text}");
    }
    if cfg!(target_os = "linux") {
        let memory = value(&server, "sakuga_device_memory_bytes").unwrap();
        assert!(memory > 1e6 && memory < 1e11, "{memory} bytes");
    }
    assert!(!text.contains("secret") && !text.contains("at-all"), "what clients write is no label:\n{text}");
}

#[test]
fn an_idle_device_is_proved_again_and_again() {
    let server = Server::start(&["--check-interval", "0.05"]);
    wait_until(|| value(&server, "sakuga_device_proofs_total") > Some(2.0));
    assert_eq!(server.get("/readyz").status(), 200);
    server.assert_works();
}
