#!/usr/bin/env bash
source "$(dirname "$0")/lib.sh"
folder=$peers/autocannon
if grep -qs "\"version\": \"$AUTOCANNON\"" "$folder/node_modules/autocannon/package.json"; then ready "$AUTOCANNON" && exit; fi
step "installing autocannon $AUTOCANNON from npm" \
  npm install --prefix "$folder" --no-save --no-audit --no-fund --silent "autocannon@$AUTOCANNON"
ready "$AUTOCANNON"
