#!/usr/bin/env bash
source "$(dirname "$0")/lib.sh"
debian_installed chromium chromium
ready "of this system"
