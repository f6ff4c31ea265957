#!/usr/bin/env bash
source "$(dirname "$0")/lib.sh"
target=$peers/kiali/$KIALI/kiali
if [ -x "$target" ]; then ready "$KIALI" && exit; fi

module=github.com/kiali/kiali
# The module asks for a yaml.v3 that is no longer served.
go_workspace "$module" "v$KIALI" "gopkg.in/yaml.v3 => gopkg.in/yaml.v3 v3.0.1"
go_build "$target" "$module" "-X main.version=v$KIALI"
ready "$KIALI"
