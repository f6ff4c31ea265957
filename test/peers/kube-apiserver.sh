#!/usr/bin/env bash
source "$(dirname "$0")/lib.sh"
target=$peers/kube-apiserver/$KUBE_APISERVER/kube-apiserver
if [ -x "$target" ]; then ready "$KUBE_APISERVER" && exit; fi

module=k8s.io/kubernetes
go_workspace "$module" "v$KUBE_APISERVER"
say "fetching its Go module"
manifest=$(go_module "$module" "v$KUBE_APISERVER" GoMod)
# Its repository holds its libraries as well, under versions that it calls v0.0.0 and that are published as v0.x.y.
library=v0.${KUBE_APISERVER#1.}
mapfile -t replaced < <(awk -v to="$library" '/^\tk8s\.io\/[a-z-]+ v0\.0\.0$/ { print $1 " => " $1 " " to }' "$manifest")
go_workspace "$module" "v$KUBE_APISERVER" "${replaced[@]}"
IFS=. read -r major minor _ <<<"$KUBE_APISERVER"
version=k8s.io/component-base/version
go_build "$target" "$module/cmd/kube-apiserver" \
  "-X $version.gitVersion=v$KUBE_APISERVER -X $version.gitMajor=$major -X $version.gitMinor=$minor"
ready "$KUBE_APISERVER"
