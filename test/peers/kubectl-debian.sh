#!/usr/bin/env bash
# An old kubectl, from before server-side apply was stable; unpacked, so that it stands in nobody's way on PATH.
source "$(dirname "$0")/lib.sh"
debian_unpacked kubernetes-client usr/bin/kubectl kubectl-debian
ready "$DEBIAN_KUBECTL of Debian"
