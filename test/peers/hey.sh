#!/usr/bin/env bash
source "$(dirname "$0")/lib.sh"
debian_installed hey hey
ready "of this system"
