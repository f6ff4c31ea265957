#!/usr/bin/env bash
# The custom resource definitions of Istio and of the Gateway API, out of their Go modules: crds/istio-X.yaml, crds/gateway-api-X.yaml.
source "$(dirname "$0")/lib.sh"
folder=$peers/crds
mkdir -p "$folder"

fetched() { # MODULE VERSION TARGET FILE..
  local target=$3
  if [ -s "$target" ]; then return; fi
  say "fetching $(basename "$target" .yaml) from its Go module"
  go_workspace "$1" "v$2"
  local source
  source=$(go_module "$1" "v$2" Dir)
  # shellcheck disable=SC2086 # a pattern
  (cd "$source" && for file in ${*:4}; do cat "$file"; printf '\n---\n'; done) >"$target.new"
  mv "$target.new" "$target"
}

: >"$log"
for version in $ISTIO_CRDS; do
  fetched istio.io/api "$version" "$folder/istio-$version.yaml" 'kubernetes/customresourcedefinitions.gen.yaml'
done
fetched sigs.k8s.io/gateway-api "$GATEWAY_API_CRDS" "$folder/gateway-api-$GATEWAY_API_CRDS.yaml" 'config/crd/standard/gateway.networking.k8s.io_*.yaml'
rm -rf "$peers/build/$peer"
ready "Istio $ISTIO_CRDS, Gateway API $GATEWAY_API_CRDS"
