#!/bin/sh
# Installs what the browser test needs and is missing: Node.js and Chromium with
# the system's package manager, the driver between them with npm.
set -eu
cd "$(dirname "$0")"

missing=
command -v node >/dev/null || missing="nodejs"
command -v npm >/dev/null || missing="$missing npm"
if ! command -v node >/dev/null || ! node browser.mjs >/dev/null; then
    missing="$missing chromium"
fi
# Without Node.js the browser could not be looked for.
if [ -x /usr/bin/chromium ]; then
    missing=$(echo "$missing" | sed 's/ *chromium//')
fi

if [ -n "$missing" ]; then
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "The browser test needs: $missing. Install it with your package manager," >&2
        echo "or name a Chromium-like browser in SAKUGA_TEST_BROWSER; then run this again." >&2
        exit 1
    fi
    echo "installing: $missing"
    apt-get update -qq
    # shellcheck disable=SC2086 # one word a package
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
fi

# npm leaves its own copy of the lock in what it installed.
if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
    npm ci
fi
