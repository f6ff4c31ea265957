#!/usr/bin/env bash
# Says at once everything that the installation needs and this machine lacks.
set -euo pipefail

missing=()
at_least() { printf '%s\n%s\n' "$1" "$2" | sort -C -V; }

command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
  missing+=("Debian's apt (apt-get, dpkg-deb): Chromium, Prometheus, etcd, nginx, wrk and hey come from Debian's packages")
command -v flock >/dev/null || missing+=("flock (Debian package util-linux)")
command -v openssl >/dev/null || missing+=("openssl (Debian package openssl)")
command -v npm >/dev/null || missing+=("npm, which comes with Node")
if ! command -v python3 >/dev/null; then
  missing+=("Python 3 (Debian packages python3 and python3-venv)")
elif ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
  missing+=("Python's venv module (Debian package python3-venv)")
fi
if ! command -v go >/dev/null; then
  missing+=("Go 1.26 or newer (go.dev/dl): kube-apiserver and Kiali are built from their Go modules")
else
  go=$(go env GOVERSION)
  at_least 1.26 "${go#go}" || missing+=("Go 1.26 or newer (go.dev/dl), found ${go#go} at $(command -v go)")
fi

if [ "${#missing[@]}" -gt 0 ]; then
  printf 'peers: missing here: %s\n' "${missing[@]}" >&2
  exit 1
fi
