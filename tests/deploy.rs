//! What `deploy` ships: the manifests by Kubernetes' own schema, as kustomize
//! renders them, and what they and the compose file say of the service.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// `preStop.sleep` is there from 1.30 on.
const KUBERNETES: [&str; 2] = ["1.30", "1.34"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn run(command: &mut Command) -> String {
    let done = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; `make test` installs it"));
    let told = [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(done.status.success(), "{command:?}: {}{}", told[0], told[1]);
    told[0].clone()
}

fn rendered(overlay: &str) -> String {
    run(Command::new("kubectl").arg("kustomize").arg(root().join("deploy/k8s").join(overlay)))
}

fn validate(file: &Path, version: &str) -> std::process::Output {
    let validator = root().join("target/test/venv/bin/kubernetes-validate");
    Command::new(validator)
        .args(["--strict", "-k", version])
        .arg(file)
        .output()
        .expect("kubernetes-validate is missing: `make test` installs it")
}

#[test]
fn the_manifests_keep_to_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    for (overlay, kinds) in [("base", 6), ("gpu", 6)] {
        let file = folder.path().join(format!("{overlay}.yaml"));
        let text = rendered(overlay);
        assert_eq!(text.lines().filter(|line| line.starts_with("kind: ")).count(), kinds, "{text}");
        std::fs::write(&file, &text).unwrap();
        for version in KUBERNETES {
            let done = validate(&file, version);
            assert!(done.status.success(), "{overlay} for {version}: {done:?}");
        }
        // The check itself can fail.
        std::fs::write(&file, text.replace("maxReplicas: 10", "maxReplicas: many")).unwrap();
        assert!(!validate(&file, KUBERNETES[0]).status.success());
    }
}

#[test]
fn the_overlay_asks_for_a_gpu() {
    let gpu = rendered("gpu");
    for words in ["nvidia.com/gpu: \"1\"", "image: sakuga:0.1.0-cuda", "value: cuda", "key: nvidia.com/gpu"] {
        assert!(gpu.contains(words), "{words} is not in\n{gpu}");
    }
    assert!(!rendered("base").contains("nvidia"));
}

#[test]
fn the_manifests_know_the_service() {
    let base = rendered("base");
    let version = concat!("image: sakuga:", env!("CARGO_PKG_VERSION"));
    for words in [version, "path: /readyz", "path: /livez", "runAsUser: 10001", "name: sakuga_queue_depth"] {
        assert!(base.contains(words), "{words} is not in\n{base}");
    }
    // Every setting that a file names is one of the service's.
    let help = run(Command::new(env!("CARGO_BIN_EXE_sakuga")).args(["serve", "--help"]));
    for file in ["deploy/compose.yaml", "deploy/k8s/gpu/gpu.yaml", "Dockerfile"] {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        let names =
            text.split(|c: char| !c.is_ascii_uppercase() && c != '_').filter(|word| word.starts_with("SAKUGA_"));
        let names: Vec<&str> = names.collect();
        assert!(!names.is_empty(), "{file}");
        for name in names {
            assert!(help.contains(name), "{name} of {file} is no setting of the service");
        }
    }
}

/// A YAML file as JSON.
fn read(file: &str) -> serde_json::Value {
    let script = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";
    let python = root().join("target/test/venv/bin/python");
    serde_json::from_str(&run(Command::new(python).args(["-c", script]).arg(root().join(file)))).unwrap()
}

#[test]
fn compose_starts_what_the_balancers_ask() {
    let compose = read("deploy/compose.yaml");
    let services = compose["services"].as_object().unwrap();
    let replicas: Vec<&String> = services.keys().filter(|name| services[*name]["image"] == "sakuga").collect();
    assert_eq!(replicas.len(), 2);
    for replica in replicas {
        assert_eq!(services[replica]["read_only"], true);
        assert_eq!(services["nginx"]["depends_on"][replica]["condition"], "service_healthy");
        for file in ["nginx.conf", "haproxy.cfg"] {
            let balancer = std::fs::read_to_string(root().join("deploy").join(file)).unwrap();
            assert!(balancer.contains(&format!("{replica}:8080")), "{replica} is not in {file}");
        }
    }
    let volume = services["nginx"]["volumes"][0].as_str().unwrap();
    assert!(volume.starts_with("./nginx.conf:"), "{volume}");
}

#[test]
fn every_alert_says_what_is_wrong() {
    let rules = read("deploy/prometheus-rules.yaml");
    let rules = rules["groups"][0]["rules"].as_array().unwrap();
    assert!(rules.len() >= 5);
    for rule in rules {
        for field in ["/alert", "/expr", "/labels/severity", "/annotations/summary"] {
            assert!(rule.pointer(field).is_some_and(serde_json::Value::is_string), "{field} of {rule}");
        }
    }
}
