#!/bin/bash
# Release files under target/dist: an archive with both binaries, completions and
# man pages, the bill of materials (CycloneDX), and checksums of both.
set -euo pipefail
cd "$(dirname "$0")/.."

host=$(rustc -vV | sed -n 's/^host: //p')
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
name=sakuga-$version-$host
out=target/dist
rm -rf "$out"
mkdir -p "$out/$name/completions" "$out/$name/man"

# Where the C library can be linked in, the binaries need nothing of the system.
case $host in *-linux-*) export RUSTFLAGS="-C target-feature=+crt-static" ;; esac
cargo build --release --locked --target "$host"
for binary in sakuga sakuga-train; do
    cp "target/$host/release/$binary" "$out/$name/"
    "$out/$name/$binary" man "$out/$name/man"
    for shell in bash zsh fish; do
        "$out/$name/$binary" completions "$shell" > "$out/$name/completions/$binary.$shell"
    done
done
cp README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE "$out/$name/"
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(git log -1 --format=%ct)" \
    -C "$out" -czf "$out/$name.tar.gz" "$name"

unset RUSTFLAGS
cargo cyclonedx --version >/dev/null 2>&1 || cargo install cargo-cyclonedx --locked --debug
cargo cyclonedx --format json --target "$host" --override-filename "$name.cdx" >/dev/null
mv "$name.cdx.json" "$out/"
(cd "$out" && sha256sum "$name.tar.gz" "$name.cdx.json" | tee SHA256SUMS)
