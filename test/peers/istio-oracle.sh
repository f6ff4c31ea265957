#!/usr/bin/env bash
# Builds Istio's own compiler as a program that answers what Istio makes of objects (test/peers/istio-oracle). Sourced or run; idempotent:
# it is built anew only when its sources change. Needs Go; the first build takes some minutes. Sets WEIGHBRIDGE_ISTIO_ORACLE.
set -euo pipefail

peers=${WEIGHBRIDGE_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/weighbridge/peers}
sources=$(cd "$(dirname "${BASH_SOURCE[0]}")/istio-oracle" && pwd)
go=$(command -v go || true)
[ -n "$go" ] || [ ! -x /usr/local/go/bin/go ] || go=/usr/local/go/bin/go
version=$(cat "$sources"/*.go "$sources"/go.mod "$sources"/go.sum | sha256sum | cut -c1-12)
oracle=$peers/istio-oracle-$version

if [ ! -x "$oracle" ]; then
  if [ -z "$go" ]; then
    echo "peers: Go is not installed, so Istio's compiler cannot be built" >&2
    exit 1
  fi
  mkdir -p "$peers"
  echo "peers: building Istio's compiler (some minutes, once)"
  (cd "$sources" && CGO_ENABLED=0 "$go" build -buildvcs=false -trimpath -ldflags='-s -w' -o "$oracle.part" .)
  mv "$oracle.part" "$oracle"
fi
ln -sfn "$oracle" "$peers/istio-oracle"

export WEIGHBRIDGE_ISTIO_ORACLE=${WEIGHBRIDGE_ISTIO_ORACLE:-$peers/istio-oracle}
echo "peers: Istio's compiler $(sed -n 's/^require istio.io\/istio //p' "$sources/go.mod")"
