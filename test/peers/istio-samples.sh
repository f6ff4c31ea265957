#!/usr/bin/env bash
# Istio's sample applications as its users have them, out of the module that istio-oracle is built from.
source "$(dirname "$0")/lib.sh"
sources=$here/istio-oracle
version=$(sed -n 's/^.*istio.io\/istio \(v[^ ]*\)$/\1/p' "$sources/go.mod")
target=$peers/istio-samples-$version
if [ ! -d "$target" ]; then
  command -v go >/dev/null || PATH=$PATH:/usr/local/go/bin
  command -v go >/dev/null || fail "needs Go" "install golang, then run this again"
  : >"$log"
  say "fetching Istio's Go module"
  cd "$sources"
  folder=$(go_module istio.io/istio "$version" Dir)
  rm -rf "$target.part" && mkdir "$target.part"
  cp -r "$folder"/samples/{bookinfo,helloworld,httpbin} "$target.part"
  chmod -R u+w "$target.part"
  mv "$target.part" "$target"
fi
ln -sfn "$target" "$peers/istio-samples"
ready "$version"
