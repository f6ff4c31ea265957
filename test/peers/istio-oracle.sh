#!/usr/bin/env bash
# Istio's own compiler as a program that answers what Istio makes of objects. Built anew only when its sources change.
source "$(dirname "$0")/lib.sh"
sources=$here/istio-oracle
version=$(cat "$sources"/*.go "$sources"/go.mod "$sources"/go.sum | sha256sum | cut -c1-12)
target=$peers/istio-oracle-$version
if [ ! -x "$target" ]; then
  command -v go >/dev/null || PATH=$PATH:/usr/local/go/bin
  command -v go >/dev/null || fail "needs Go" "install golang, then run this again"
  build() { cd "$sources" && CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags='-s -w' -o "$target.part" . && mv "$target.part" "$target"; }
  step "compiling Istio's control plane" build
fi
ln -sfn "$target" "$peers/bin/istio-oracle"
ready "$(sed -n 's/^.*istio.io\/istio \(v[^ ]*\)$/\1/p' "$sources/go.mod")"
