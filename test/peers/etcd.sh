#!/usr/bin/env bash
source "$(dirname "$0")/lib.sh"
debian_unpacked etcd-server usr/bin/etcd
ready "$DEBIAN_ETCD of Debian"
