#!/bin/sh
# Installs what checks the manifests: kubectl for its kustomize, and Kubernetes'
# schemas with a validator, in a virtual environment under target.
set -eu
cd "$(dirname "$0")/../.."

missing=
command -v kubectl >/dev/null || missing="kubernetes-client"
command -v python3 >/dev/null || missing="$missing python3"
python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
if [ -n "$missing" ]; then
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "The test of the manifests needs: $missing (kubectl, Python 3 with venv). Install it; then run this again." >&2
        exit 1
    fi
    echo "installing: $missing"
    apt-get update -qq
    # shellcheck disable=SC2086 # one word a package
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
fi

venv=target/test/venv
if [ ! "$venv/installed" -nt tests/deploy/requirements.txt ]; then
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip install -q --disable-pip-version-check -r tests/deploy/requirements.txt
    touch "$venv/installed"
fi
