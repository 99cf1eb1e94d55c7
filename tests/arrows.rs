//! Holds the house's arrows: which folder of `src` may name which other folder
//! and which outside crate, where `unsafe` may stand, and how long a file may be.
//!
//! A new dependency or a new arrow is a line in [`FOLDERS`], so that it is a
//! decision and not an accident.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "arrows/names.rs"]
mod names;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What one folder of `src` may name besides itself, `std` and [`EVERYDAY`].
struct Folder {
    name: &'static str,
    /// Paths below the crate's root; what lies below them is meant too.
    modules: &'static [&'static str],
    crates: &'static [&'static str],
}

/// Crates with no weight of their own.
const EVERYDAY: &[&str] = &["rayon", "serde", "serde_json", "sha2", "tempfile", "thiserror", "toml", "tracing"];

#[rustfmt::skip] // Lists of names read better in rows.
const FOLDERS: &[Folder] = &[
    Folder {
        name: "bin",
        modules: &["cli"],
        crates: &["anyhow", "clap", "mimalloc", "tokio", "tracing_subscriber"],
    },
    Folder {
        name: "cli",
        modules: &["http", "engine", "models", "nn", "imaging", "looks", "train"],
        crates: &[
            "anyhow", "axum", "bytes", "candle_core", "candle_nn", "clap", "clap_complete", "clap_mangen", "http_body_util",
            "hyper", "hyper_util", "indicatif", "ipnet", "opentelemetry", "opentelemetry_otlp", "opentelemetry_sdk",
            "safetensors", "tokio", "tokio_util", "tower", "tracing_opentelemetry", "tracing_subscriber",
        ],
    },
    Folder {
        name: "http",
        modules: &[
            "engine", "imaging", "models::Card", "models::Registry", "models::RegistryError",
            "models::card", "models::registry",
        ],
        crates: &[
            "axum", "base64", "bytes", "futures_util", "governor", "http_body_util", "hyper", "hyper_util", "ipnet",
            "lru", "metrics", "metrics_exporter_prometheus", "mime", "opentelemetry", "rust_embed", "subtle", "tokio",
            "tokio_util", "tower", "tower_http", "tracing_opentelemetry", "uuid", "zip",
        ],
    },
    Folder {
        name: "engine",
        modules: &["models", "imaging"],
        crates: &["candle_core", "lru", "metrics", "tokio"],
    },
    Folder {
        name: "models",
        modules: &["nn"],
        crates: &["candle_core", "candle_nn", "half", "prost", "rust_embed", "safetensors", "zip"],
    },
    Folder {
        name: "nn",
        modules: &["kernels"],
        crates: &["candle_core", "candle_nn", "half", "rand", "rand_chacha", "rand_distr"],
    },
    Folder {
        name: "kernels",
        modules: &[],
        crates: &["cudarc", "gemm", "half", "libc", "libmimalloc_sys", "multiversion"],
    },
    Folder {
        name: "imaging",
        modules: &[],
        crates: &[
            "candle_core", "crc32fast", "fast_image_resize", "image", "memchr", "moxcms", "multiversion", "rayon",
            "webp", "zune_core", "zune_jpeg",
        ],
    },
    Folder {
        name: "looks",
        modules: &["imaging"],
        crates: &["fast_image_resize", "multiversion", "num_traits", "rustdct", "rustfft"],
    },
    Folder {
        name: "train",
        modules: &["models", "nn", "imaging", "looks"],
        // `metrics` is its own module's name as well as a crate's.
        crates: &[
            "base64", "candle_core", "candle_nn", "clap", "half", "indicatif", "metrics", "plotters", "rand",
            "rand_chacha", "rand_distr", "rustfft", "safetensors",
        ],
    },
];

const LONGEST_FILE: usize = 400;
const LONGEST_BINARY: usize = 99;
/// Names that say nothing about what a file holds.
const NO_NAMES: &[&str] = &["mod", "utils", "util", "helpers", "misc", "common"];

/// What is wrong with one file of `src`, a line for each fault.
///
/// `file` is the path below `src`, with `/` between its parts; `outside` are
/// the crates of Cargo.toml, as they are written in paths.
fn faults(file: &str, source: &str, outside: &BTreeSet<String>) -> Vec<String> {
    let stem = file.trim_end_matches(".rs");
    let parts: Vec<&str> = stem.split('/').collect();
    let mut found = Vec::new();

    for part in parts.iter().filter(|part| NO_NAMES.contains(part)) {
        found.push(format!("src/{file}: nothing is called `{part}` here"));
    }
    let lines = source.lines().count();
    let longest = if parts[0] == "bin" { LONGEST_BINARY } else { LONGEST_FILE };
    if lines > longest {
        found.push(format!("src/{file}: {lines} lines, at most {longest}"));
    }
    if parts[0] != "kernels" {
        for (line, _) in names::words(source).iter().filter(|(_, word)| word == "unsafe") {
            found.push(format!("src/{file}:{line}: `unsafe` outside src/kernels"));
        }
    }

    let nothing = Folder { name: "lib", modules: &[], crates: &[] };
    let folder = match FOLDERS.iter().find(|folder| folder.name == parts[0]) {
        Some(folder) => folder,
        None if file == "lib.rs" => &nothing,
        None => {
            found.push(format!("src/{file}: `{}` is no folder of the house", parts[0]));
            return found;
        }
    };
    for name in names::names(source, if file == "lib.rs" { &[] } else { &parts }) {
        if !may_name(folder, &name.path, outside) {
            let (line, path) = (name.line, name.path.join("::"));
            found.push(format!("src/{file}:{line}: `{}` may not name `{path}`", folder.name));
        }
    }
    found
}

fn may_name(folder: &Folder, path: &[String], outside: &BTreeSet<String>) -> bool {
    let first = path[0].as_str();
    // A binary sees the library as a crate, and its own root as `crate`.
    let (inside, own) = match first {
        "sakuga" => (true, false),
        "crate" => (folder.name != "bin", folder.name == "bin"),
        _ => (false, false),
    };
    if own {
        return true;
    }
    if inside {
        // A path that stops at the root, or imports all of it, hides what it uses.
        let below = path[1..].join("::");
        let within = |module: &str| below == module || below.starts_with(&format!("{module}::"));
        return within(folder.name) || folder.modules.iter().any(|module| within(module));
    }
    let intrinsics = matches!(first, "core" | "std") && path.get(1).is_some_and(|it| it == "arch");
    if intrinsics {
        return folder.name == "kernels";
    }
    !outside.contains(first) || EVERYDAY.contains(&first) || folder.crates.contains(&first)
}

/// The crates of Cargo.toml, as paths write them.
fn outside_crates() -> BTreeSet<String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let manifest: toml::Table = std::fs::read_to_string(manifest).unwrap().parse().unwrap();
    let crates: BTreeSet<String> =
        manifest["dependencies"].as_table().unwrap().keys().map(|name| name.replace('-', "_")).collect();
    assert!(crates.contains("candle_core") && crates.contains("axum"));
    crates
}

fn sources_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_source_keeps_the_arrows() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let outside = outside_crates();
    let mut files = Vec::new();
    sources_below(&src, &mut files);
    files.sort();
    assert!(files.len() > FOLDERS.len(), "only {} sources found", files.len());

    let found: Vec<String> = files
        .iter()
        .flat_map(|path| {
            let below = path.strip_prefix(&src).unwrap();
            let parts: Vec<_> = below.iter().map(|part| part.to_str().unwrap()).collect();
            faults(&parts.join("/"), &std::fs::read_to_string(path).unwrap(), &outside)
        })
        .collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// A checker that never finds anything would pass too: here it must.
#[test]
fn broken_arrows_are_found() {
    let long = "\n".repeat(LONGEST_FILE + 1);
    let bad: &[(&str, &str)] = &[
        ("http/routes.rs", "use candle_core::Tensor;"),
        ("http/routes.rs", "fn f() -> ::candle_nn::Linear { loop {} }"),
        ("http/routes.rs", "use crate::models::Model;"),
        ("http/routes.rs", "use crate::{engine::Engine, models::{Card, Model}};"),
        ("http/routes.rs", "use super::super::cli;"),
        ("http.rs", "use super::nn;"),
        ("http.rs", "mod tests { use super::super::nn; }"),
        ("http.rs", "use crate as root;"),
        ("http.rs", "use crate::*;"),
        ("http.rs", "fn f() { sakuga::train::run() }"),
        ("kernels/conv.rs", "use candle_core::Tensor;"),
        ("kernels/conv.rs", "fn f() { crate::nn::ops::conv(1) }"),
        ("kernels.rs", "use {std::fmt, crate::imaging as pixels};"),
        ("imaging/decode.rs", "use crate::engine;"),
        ("imaging.rs", "use candle_nn::Module;"),
        ("looks/cel.rs", "use candle_core::Tensor as Pixels;"),
        ("models/card.rs", "use axum::Json;"),
        ("engine.rs", "extern crate hyper;"),
        ("engine.rs", "let a = \"//\"; crate::http::serve();"),
        ("nn/unet.rs", "let quote = '\"'; use crate::train::fit;"),
        ("nn/unet.rs", "let a = r#\"\\\"#; use crate::models::Card;"),
        ("nn/unet.rs", "fn f<'a>(x: &'a crate::looks::Look) {}"),
        ("nn/unet.rs", "use std::arch::x86_64::_mm_add_ps;"),
        ("train/fit.rs", "use crate::http;"),
        ("models.rs", "macro_rules! m { () => { $crate::engine::start() } }"),
        ("bin/sakuga.rs", "use sakuga::kernels;"),
        ("nn.rs", "fn f() { unsafe { g() } }"),
        ("lib.rs", "pub use imaging::Picture; pub use crate::imaging::Picture;"),
        ("imaging/mod.rs", ""),
        ("imaging/utils.rs", ""),
        ("extras.rs", ""),
        ("nn.rs", &long),
        ("bin/sakuga.rs", &long[..LONGEST_BINARY + 1]),
    ];
    let outside = outside_crates();
    for (file, source) in bad {
        assert_eq!(faults(file, source, &outside).len(), 1, "in {file}: {source}");
    }
}

#[test]
fn kept_arrows_are_left_alone() {
    let good: &[(&str, &str)] = &[
        ("http/routes.rs", "use crate::{engine::{self, Engine}, models::{Card, Registry}};"),
        ("http/routes.rs", "use super::problem::Problem; use axum::{Router, routing::get};"),
        ("http.rs", "mod tests { use super::*; }"),
        ("http.rs", "// use candle_core::Tensor;\n/* crate::nn /* crate::nn */ crate::nn */"),
        ("http.rs", "/// [`crate::nn`] is unsafe\nlet a = \"use crate::nn; unsafe\";"),
        ("http.rs", "let a = br##\"candle_core::Tensor \"# \"##; let b = '\\'';"),
        ("http.rs", "photo.image::<u8>(); <T as Draw>::image::draw();"),
        ("kernels/conv.rs", "use std::arch::x86_64::*; unsafe { gemm::gemm() }"),
        ("kernels/conv.rs", "use super::geometry; use crate::kernels::matmul;"),
        ("nn/unet.rs", "fn f() -> impl use<'a> Fn() { crate::kernels::conv::run }"),
        ("bin/sakuga.rs", "mod args; fn main() { crate::args::read(); sakuga::cli::serve::run() }"),
        ("lib.rs", "//! [`crate::nn`]\npub mod nn;"),
        ("nn.rs", &"\n".repeat(LONGEST_FILE)),
    ];
    let outside = outside_crates();
    for (file, source) in good {
        assert_eq!(faults(file, source, &outside), Vec::<String>::new(), "in {file}: {source}");
    }
}
