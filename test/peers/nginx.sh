#!/usr/bin/env bash
source "$(dirname "$0")/lib.sh"
debian_installed nginx-light nginx
ready "of this system"
