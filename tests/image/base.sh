#!/bin/sh
# Makes the image that the Dockerfile builds in from Debian's packages and this
# machine's Rust, where no registry of images can be reached: base.sh NAME
set -eu
name=$1
if buildah inspect --type image "$name" >/dev/null 2>&1; then
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
debootstrap --variant=minbase --include=gcc,libc6-dev,ca-certificates bookworm "$work/root"

# The tool chain without what only people read.
sysroot=$(rustc --print sysroot)
host=$(rustc -vV | sed -n 's/^host: //p')
rust=$work/root/usr/local/cargo
mkdir -p "$rust/bin" "$rust/lib/rustlib/$host" "$work/root/usr/local/rustup"
cp "$sysroot/bin/rustc" "$sysroot/bin/cargo" "$rust/bin/"
cp "$sysroot"/lib/*.so* "$rust/lib/"
cp -r "$sysroot/lib/rustlib/$host/lib" "$sysroot/lib/rustlib/$host/bin" "$rust/lib/rustlib/$host/"
# Whom this machine trusts, the image that is only built in may trust too.
cp /etc/ssl/certs/ca-certificates.crt "$work/root/etc/ssl/certs/ca-certificates.crt"
rm -rf "$work"/root/var/cache/apt/archives/*.deb "$work"/root/usr/share/doc "$work"/root/usr/share/locale

container=$(buildah from scratch)
buildah add -q "$container" "$work/root" /
buildah config --env PATH=/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    --env CARGO_HOME=/usr/local/cargo --env RUSTUP_HOME=/usr/local/rustup "$container"
buildah commit -q --rm "$container" "$name"
