#!/usr/bin/env bash
# npm run peers: installs every real program that the tests and the bench compare weighbridge with. Idempotent: what is there stays.
# Into $WEIGHBRIDGE_PEERS, by default weighbridge/peers in the user's cache; what needs other Debian packages goes onto the system.
"$(dirname "$0")/prerequisites.sh"
source "$(dirname "$0")/lib.sh"

began=$SECONDS
for name in chromium prometheus etcd nginx wrk hey kubectl kubectl-debian k6 envoy autocannon crds kiali kube-apiserver istio-oracle istio-samples; do
  "$here/$name.sh"
done
say "installed in $peers ($((SECONDS - began)) s)"
