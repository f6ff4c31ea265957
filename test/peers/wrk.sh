#!/usr/bin/env bash
source "$(dirname "$0")/lib.sh"
debian_installed wrk wrk
ready "of this system"
