//! Behind a real load balancer, with the configuration that `deploy` ships:
//! three replicas under steady load are restarted one after the other, and not
//! one request fails; then one is killed, and only what it had at hand may.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

#[path = "balancer/fleet.rs"]
mod fleet;
#[path = "balancer/load.rs"]
mod load;
#[path = "http/tiny.rs"]
mod tiny;

use fleet::{Process, Replica, ports, wait_until};
use load::{CLIENTS, Load};

const PHOTO: &[u8] = include_bytes!("pictures/coffee.jpg");

/// `deploy/FILE` for these ports: its lines for replicas are written anew, one
/// for each, and its own port is `front`.
fn configuration(file: &str, listens: &str, front: u16, replicas: &[Replica]) -> String {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(file)).unwrap();
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        if line.contains("sakuga-2:8080") {
            continue;
        }
        if line.contains("sakuga-1:8080") {
            for replica in replicas {
                let line = line.replace("sakuga-1:8080", &format!("127.0.0.1:{}", replica.port));
                lines.push(line.replace("server sakuga-1", &format!("server replica-{}", replica.port)));
            }
        } else if line.trim().trim_end_matches(';') == format!("{listens}80") {
            lines.push(line.replace(
                &format!("{listens}80"),
                &format!("{} 127.0.0.1:{front}", listens.split(' ').next().unwrap()),
            ));
        } else {
            lines.push(line.to_owned());
        }
    }
    let text = lines.join("\n") + "\n";
    assert_eq!(text.matches("127.0.0.1:").count(), replicas.len() + 1, "{text}");
    text
}

fn balancer(mut command: Command) -> Process {
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin")).stdout(Stdio::null()).stderr(Stdio::null());
    Process(command.spawn().expect("the balancer is missing: `make test` installs it"))
}

fn nginx(folder: &Path, front: u16, replicas: &[Replica]) -> Process {
    let site = folder.join("site.conf");
    std::fs::write(&site, configuration("nginx.conf", "listen ", front, replicas)).unwrap();
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|name| format!("{name}_temp_path {}/{name};\n", folder.display())).concat();
    // One process, so that killing it leaves no worker behind.
    let main = format!(
        "pid {0}/pid;\nerror_log stderr;\ndaemon off;\nmaster_process off;\nuser root;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}include {1};\n}}\n",
        folder.display(),
        site.display()
    );
    let file = folder.join("nginx.conf");
    std::fs::write(&file, main).unwrap();
    let mut command = Command::new("nginx");
    command.args(["-e", "stderr", "-p"]).arg(folder).arg("-c").arg(file);
    balancer(command)
}

fn haproxy(folder: &Path, front: u16, replicas: &[Replica]) -> Process {
    let file = folder.join("haproxy.cfg");
    std::fs::write(&file, configuration("haproxy.cfg", "bind :", front, replicas)).unwrap();
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(file);
    balancer(command)
}

fn survives(name: &str, start: fn(&Path, u16, &[Replica]) -> Process) {
    let folder = TempDir::new().unwrap();
    tiny::publish_with(folder.path(), "anime", &["cel"]);
    let models = folder.path().join("models");
    let [front, rest @ ..] = ports(4).try_into().unwrap_or([0_u16; 4]);
    let mut replicas: Vec<Replica> = rest.iter().map(|port| Replica::start(&models, *port)).collect();
    let _balancer = start(folder.path(), front, &replicas);
    let url = format!("http://127.0.0.1:{front}");
    let client = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
    wait_until("the balancer answers", || {
        client.get(format!("{url}/readyz")).send().is_ok_and(|answer| answer.status() == 200)
    });

    let load = Load::start(&url, PHOTO);
    load.go_on(3 * CLIENTS);
    for replica in &mut replicas {
        replica.stop();
        load.go_on(CLIENTS);
        replica.start_again();
        // Back in the balancer's eyes, before the next one goes.
        wait_until("the replica draws again", || replica.drawn() >= 1.0);
    }
    assert_eq!(load.failed(), Vec::<String>::new(), "{name}: requests failed in the rolling restart");
    let rolling = load.drawn();

    replicas[1].kill();
    load.go_on(5 * CLIENTS);
    let failed = load.failed();
    assert!(failed.len() as u64 <= CLIENTS, "{name}: more failed than one replica had at hand: {failed:#?}");
    replicas[1].start_again();
    wait_until("the killed replica draws again", || replicas[1].drawn() >= 1.0);
    assert_eq!(load.failed().len(), failed.len(), "{name}: requests failed after the kill");
    let all = load.end();
    println!(
        "{name}: {rolling} drawings in the rolling restart, 0 failed; {} around the kill, {} failed",
        all - rolling,
        failed.len()
    );
}

#[test]
fn nginx_hides_restarts() {
    survives("nginx", nginx);
}

#[test]
fn haproxy_hides_restarts() {
    survives("HAProxy", haproxy);
}
