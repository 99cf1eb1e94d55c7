//! Completions and man pages, as the binaries write them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::Command;

const BINARIES: [(&str, &str, &str); 2] = [
    ("sakuga", env!("CARGO_BIN_EXE_sakuga"), "stylize"),
    ("sakuga-train", env!("CARGO_BIN_EXE_sakuga-train"), "publish"),
];

#[test]
fn every_shell_has_completions() {
    for (name, binary, command) in BINARIES {
        for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
            let done = Command::new(binary).args(["completions", shell]).output().unwrap();
            assert!(done.status.success(), "{name} {shell}: {done:?}");
            let script = String::from_utf8(done.stdout).unwrap();
            assert!(script.contains(name) && script.contains(command), "{name} {shell}: {script}");
        }
    }
}

#[cfg(unix)]
#[test]
fn bash_completes_a_command() {
    let ask = r#"eval "$("$0" completions bash)"; COMP_WORDS=(sakuga sty); COMP_CWORD=1; _sakuga sakuga sty sakuga; echo "${COMPREPLY[*]}""#;
    let done = Command::new("bash").args(["-c", ask, BINARIES[0].1]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&done.stdout).trim(), "stylize", "{done:?}");
}

#[test]
fn every_command_has_a_man_page() {
    for (name, binary, command) in BINARIES {
        let folder = tempfile::tempdir().unwrap();
        let pages = folder.path().join("new/man");
        let done = Command::new(binary).arg("man").arg(&pages).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        for page in [name.to_owned(), format!("{name}-{command}")] {
            let text = std::fs::read_to_string(pages.join(format!("{page}.1"))).unwrap();
            assert!(text.contains(".TH") && text.contains(".SH"), "{page}: {text}");
        }
        // A file stands where the folder should be.
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let done = Command::new(binary).arg("man").arg(&file).output().unwrap();
        assert_eq!(done.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&done.stderr).contains("file"), "{done:?}");
    }
}
