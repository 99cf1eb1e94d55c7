//! The contract is what the service does.

use std::collections::BTreeSet;

use reqwest::blocking::Client;
use serde_json::Value;

use super::harness::Server;
use super::pictures::jpeg;

const ROUTER: &str = include_str!("../../src/http/router.rs");

#[test]
fn every_route_is_in_the_document_and_every_path_is_a_route() {
    let server = Server::start(&[]);
    let document: Value = server.get("/openapi.json").json().unwrap();
    let paths = document["paths"].as_object().unwrap();
    let described: BTreeSet<&str> = paths.keys().map(String::as_str).collect();
    let routes: BTreeSet<&str> = ROUTER.split(".route(\"").skip(1).filter_map(|text| text.split('"').next()).collect();
    assert_eq!(described, routes);
    for (path, operations) in paths {
        for method in operations.as_object().unwrap().keys() {
            let url = server.url(&path.replace("{name}", "anime"));
            let answer = Client::new().request(method.to_uppercase().parse().unwrap(), url).send().unwrap();
            let status = answer.status().as_u16();
            assert!(![404, 405, 500].contains(&status), "{method} {path}: {status}");
        }
    }
}

#[test]
fn every_parameter_is_described_and_every_kind_of_answer_is_given() {
    let server = Server::start(&["--max-photos", "7"]);
    let document: Value = server.get("/openapi.json").json().unwrap();
    let stylize = &document["paths"]["/v1/stylize"]["post"];
    let names: Vec<&str> =
        stylize["parameters"].as_array().unwrap().iter().map(|parameter| parameter["name"].as_str().unwrap()).collect();
    assert_eq!(names, sakuga::http::params::NAMES);
    let form = &stylize["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"];
    assert_eq!(form["image"]["maxItems"], 7, "the limit in force");
    let answers = stylize["responses"]["200"]["content"].as_object().unwrap();
    for kind in ["image/png", "image/jpeg", "image/webp", "application/json"] {
        let answer = server.stylize("").header("accept", kind).body(jpeg(8, 8)).send().unwrap();
        assert_eq!(answer.headers()["content-type"], kind);
        assert!(answers.contains_key(kind), "{kind}");
    }
}

#[test]
fn its_page_loads_nothing_from_elsewhere() {
    let server = Server::start(&[]);
    let page = server.get("/docs");
    assert_eq!(
        (page.status().as_u16(), &page.headers()["content-type"]),
        (200, &"text/html; charset=utf-8".parse().unwrap())
    );
    let texts = [page.text().unwrap(), server.get("/docs.js").text().unwrap()];
    assert!(texts[0].contains("docs.js"));
    assert!(texts.iter().all(|text| !text.contains("://") && !text.contains("\"//")));
}

/// The contract changes on purpose only. After a change: run this test with
/// `INSTA_UPDATE=always`, and read the snapshot's difference before you commit it.
#[test]
fn the_contract_is_as_it_was() {
    let server = Server::start(&[]);
    let mut document: Value = server.get("/openapi.json").json().unwrap();
    document["info"]["version"] = "that of the package".into();
    insta::assert_json_snapshot!("openapi", document);
}
