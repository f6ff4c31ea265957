#!/usr/bin/env bash
# With promtool beside it, which writes samples into a database.
source "$(dirname "$0")/lib.sh"
if command -v prometheus >/dev/null && command -v promtool >/dev/null; then ready "of this system" && exit; fi
debian_unpacked prometheus usr/bin/promtool
debian_unpacked prometheus usr/bin/prometheus
ready "$DEBIAN_PROMETHEUS of Debian"
