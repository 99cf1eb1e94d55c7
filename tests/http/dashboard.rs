//! The dashboard shows what there is, and the alerts watch it.

use super::harness::Server;
use super::pictures::jpeg;

#[test]
fn every_metric_of_the_dashboard_and_the_alerts_is_measured() {
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
    let rules = include_str!("../../deploy/prometheus-rules.yaml");
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).collect();
    assert!(alerts.len() >= 5);
    for expression in expressions.into_iter().chain(alerts) {
        for name in expression
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .filter(|word| word.starts_with("sakuga_"))
        {
            let sample = measured.lines().any(|line| line.starts_with(name) && !line.starts_with('#'));
            assert!(sample, "{name} is not in\n{measured}");
        }
    }
}
