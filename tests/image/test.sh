#!/bin/bash
# Builds the container's image from the Dockerfile and runs it as a cluster
# would: as a user without rights, on a root file system that it cannot write.
# `make test-image`; takes Debian, root and some minutes.
set -euo pipefail
cd "$(dirname "$0")/../.."

export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs BUILDAH_FORMAT=docker
IMAGE=localhost/sakuga:test
# 150 MB, the weights inside.
LIMIT=150000000
PORT=${SAKUGA_TEST_PORT:-18080}

revision=$(git rev-parse HEAD)

fail() { echo "image: $*" >&2; exit 1; }

missing=
for tool in buildah debootstrap curl; do
    command -v "$tool" >/dev/null || missing="$missing $tool"
done
if [ -n "$missing" ]; then
    [ "$(id -u)" -eq 0 ] || fail "install$missing, or run this as root"
    apt-get update -qq
    # shellcheck disable=SC2086 # one word a package
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
fi

sh tests/image/base.sh docker.io/library/rust:1-slim-bookworm
buildah build --layers --pull-never --target cpu --tag "$IMAGE" \
    --build-arg RUST=docker.io/library/rust:1-slim-bookworm \
    --label "org.opencontainers.image.version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)" \
    --label "org.opencontainers.image.revision=$revision" .

echo "== what the image says of itself"
config=$(buildah inspect --type image "$IMAGE")
says() { grep -q "$1" <<<"$config" || fail "it does not say $1"; }
says '"User": "10001:10001"'
says '"org.opencontainers.image.licenses": "MIT OR Apache-2.0"'
says "\"org.opencontainers.image.revision\": \"$revision\""
says '"Healthcheck"'
says '"SAKUGA_HOST=0.0.0.0"'

container=$(buildah from --pull-never "$IMAGE")
root=$(buildah mount "$container")
service=
cleanup() {
    [ -z "$service" ] || kill "$service" 2>/dev/null || true
    umount "$jail/dev" "$jail/proc" "$jail" 2>/dev/null || true
    buildah rm "$container" >/dev/null
    rm -rf "$work"
}
work=$(mktemp -d)
jail=$work/root
trap cleanup EXIT

echo "== how large it is"
bytes=$(du -sb "$root" | cut -f1)
echo "$bytes bytes, at most $LIMIT"
[ "$bytes" -le "$LIMIT" ] || fail "it is too large"
files=$(cd "$root" && find . -type f | sort | tr '\n' ' ')
[ "$files" = "./licenses/LICENSE-APACHE ./licenses/LICENSE-MIT ./usr/local/bin/sakuga " ] || fail "it holds $files"

echo "== it runs, reading only"
# What container engines do themselves: a root that cannot be written, /proc, and the usual devices.
mkdir "$jail"
mkdir -p "$root/proc" "$root/dev"
mount --bind "$root" "$jail"
mount -t proc proc "$jail/proc"
mount --bind /dev "$jail/dev"
mount -o remount,bind,ro "$jail"
inside() { env -i PATH=/usr/local/bin SAKUGA_HOST=0.0.0.0 SAKUGA_PORT="$PORT" /usr/sbin/chroot --userspec=10001:10001 "$jail" sakuga "$@"; }
if touch "$jail/written" 2>/dev/null; then fail "the root can be written"; fi
env -i PATH=/usr/local/bin SAKUGA_HOST=0.0.0.0 SAKUGA_PORT="$PORT" SAKUGA_LOG_FORMAT=json \
    /usr/sbin/chroot --userspec=10001:10001 "$jail" sakuga serve &
service=$!
# The health check of the image, until it is content.
for _ in $(seq 120); do
    if inside health 2>/dev/null; then ready=1; break; fi
    kill -0 "$service" || fail "it stopped"
    sleep 1
done
[ -n "${ready:-}" ] || fail "it never became ready"
[ "$(awk '/^Uid:/ {print $2}' "/proc/$service/status")" = 10001 ] || fail "it has the rights of somebody else"

echo "== it draws"
curl -sSf -F image=@tests/pictures/astronaut.jpg "http://127.0.0.1:$PORT/v1/stylize?format=png" -o "$work/drawn.png"
head -c 8 "$work/drawn.png" | od -An -tx1 | grep -q '89 50 4e 47' || fail "no PNG came back"
curl -sSf "http://127.0.0.1:$PORT/" | grep -q '<title>Sakuga' || fail "no page came back"

echo "== it stops when asked to"
kill -TERM "$service"
wait "$service" || fail "it did not end well"
service=
if inside health 2>/dev/null; then fail "the health check is content without a service"; fi
echo "the image works: $bytes bytes"
