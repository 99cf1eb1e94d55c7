//! The dashboard shows what there is.

use super::harness::Server;
use super::pictures::jpeg;

#[test]
fn every_metric_of_the_dashboard_is_measured() {
    let dashboard: serde_json::Value =
        serde_json::from_str(include_str!("../../deploy/grafana-dashboard.json")).unwrap();
    let server = Server::start(&[]);
    assert_eq!(server.draw("", &jpeg(8, 8)).status(), 200);
    let measured = server.get("/metrics").text().unwrap();
    let expressions: Vec<&str> = dashboard["panels"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap())
        .map(|target| target["expr"].as_str().unwrap())
        .collect();
    assert!(expressions.len() >= 7);
    for expression in expressions {
        for name in expression
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .filter(|word| word.starts_with("sakuga_"))
        {
            let sample = measured.lines().any(|line| line.starts_with(name) && !line.starts_with('#'));
            assert!(sample, "{name} is not in\n{measured}");
        }
    }
}
