#!/usr/bin/env bash
# Puts the real programs that the tests run against below .tools (git-ignored): nothing is installed on the system and
# nothing is kept outside the checkout. Quick and silent when all is there; fails with the reason when a tool can't be had.
#
#   .tools/debugpy-new     the newest debugpy        (PYTHONPATH of the debuggees)
#   .tools/debugpy-1.6.6   the oldest one supported  (Debian 12's)
#   .tools/openssh         sshd and the libraries it lacks (LD_LIBRARY_PATH)
#   .tools/far             busybox, socat and nc: the far sides that have no bash or no python
#   .tools/node-24         Node 24, a program to look into; the other one is the Node that runs the tests
#   .tools/dlv-new         the newest Delve          (for programs of the machine's own go)
#   .tools/dlv-1.20        the oldest one supported  (Debian 12's; for programs of .tools/go-1.19)
#   .tools/go-1.19         the Go that this Delve knows (GOROOT is usr/lib/go-1.19 in it)
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
tools=$root/.tools
mkdir -p "$tools"

# Several test files may start at once.
if command -v flock >/dev/null; then
  exec 9>"$tools/.lock"
  flock 9
fi

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

# Everything is made beside its place and moved there whole, so that a cut-off run leaves nothing half made.
make() { # NAME FUNCTION ARGUMENT...
  local name=$1
  shift
  [ -e "$tools/$name/.done" ] && return
  local made=$tools/$name.making
  rm -rf "$made"
  mkdir -p "$made"
  echo "install.sh: making .tools/$name" >&2
  "$1" "$made" "${@:2}"
  touch "$made/.done"
  rm -rf "${tools:?}/$name"
  mv "$made" "$tools/$name"
}

pip_target() { # FOLDER REQUIREMENT
  command -v python3 >/dev/null || fail "python3 is missing: the tests attach to real Python programs. Install Python 3.8 or newer with pip."
  python3 -m pip --version >/dev/null 2>&1 || fail "python3 has no pip ($(command -v python3)). Install it (Debian: python3-pip), then run this again."
  local log=$tools/pip.log
  if python3 -m pip install --quiet --no-deps --upgrade --target "$1" "$2" >"$log" 2>&1; then return; fi
  # PEP 668: --target touches nothing of the system, but some pips refuse all the same.
  if grep -q externally-managed-environment "$log" &&
    python3 -m pip install --quiet --no-deps --upgrade --break-system-packages --target "$1" "$2" >"$log" 2>&1; then
    return
  fi
  cat "$log" >&2
  fail "pip could not install $2 (above is what it said)."
}

lists_fresh=no
packages() { # FOLDER PACKAGE...
  command -v apt-get >/dev/null && command -v dpkg >/dev/null || fail "${*:2} can be fetched only on Debian and its kin (apt-get, dpkg). Elsewhere install it by hand."
  local into=$1 deb=$1/.deb package
  mkdir -p "$deb"
  for package in "${@:2}"; do
    if ! (cd "$deb" && apt-get download -qq "$package") >"$tools/apt.log" 2>&1; then
      if [ "$lists_fresh" = no ]; then
        apt-get update -qq >>"$tools/apt.log" 2>&1 || { cat "$tools/apt.log" >&2; fail "'apt-get update' failed (above); it needs root and a reachable mirror."; }
        lists_fresh=yes
      fi
      (cd "$deb" && apt-get download -qq "$package") >>"$tools/apt.log" 2>&1 || { cat "$tools/apt.log" >&2; fail "the package $package could not be fetched (above)."; }
    fi
  done
  for package in "$deb"/*.deb; do dpkg -x "$package" "$into"; done
  rm -rf "$deb"
}

openssh() { # FOLDER
  if [ -x /usr/sbin/sshd ]; then
    mkdir -p "$1/usr/sbin"
    ln -s /usr/sbin/sshd "$1/usr/sbin/sshd"
    return
  fi
  packages "$1" openssh-server
  if ldd "$1/usr/sbin/sshd" | grep -q 'libwrap.*not found'; then packages "$1" libwrap0; fi
  local libraries missing
  libraries=$(dirname "$(find "$1" -name 'libwrap.so*' | head -1)")
  missing=$(LD_LIBRARY_PATH=$libraries ldd "$1/usr/sbin/sshd" | grep 'not found' || true)
  [ -z "$missing" ] || fail "sshd lacks libraries that this script does not know: $missing"
}

node() { # FOLDER MAJOR
  local machine package
  case $(uname -sm) in
    "Linux x86_64") machine=linux-x64 ;;
    "Linux aarch64") machine=linux-arm64 ;;
    *) fail "Node $2 is fetched for Linux on x64 and arm64 only, and this is $(uname -sm). Put it at .tools/node-$2/bin/node by hand, and an empty file .tools/node-$2/.done beside it." ;;
  esac
  # npm's own cache would keep another 40 MB outside the checkout.
  package=$(cd "$1" && npm pack --silent --cache "$1/.cache" "node-$machine@$2" 2>"$tools/npm.log") || {
    cat "$tools/npm.log" >&2
    fail "npm could not fetch node-$machine@$2 (above is what it said)."
  }
  tar -xzf "$1/$(tail -1 <<<"$package")" -C "$1" --strip-components=1 package/bin/node
  rm -rf "$1/.cache" "$1"/*.tgz
  "$1/bin/node" --version >/dev/null || fail "the Node $2 that npm gave does not run here."
}

dlv() { # FOLDER VERSION
  command -v go >/dev/null || fail "go is missing: the tests look into real Go programs. Install Go 1.26 or newer, and have 'go' in the PATH."
  # All that go keeps between two runs, its telemetry too, goes with the folder. Its settings stay those of the machine.
  local settings=${GOENV:-${XDG_CONFIG_HOME:-$HOME/.config}/go/env}
  if ! GOENV=$settings XDG_CONFIG_HOME=$1/.config GOPATH=$1/.path GOBIN=$1 GOCACHE=$1/.cache GOMODCACHE=$1/.modules GOFLAGS="-modcacherw -buildvcs=false" \
    go install "github.com/go-delve/delve/cmd/dlv@$2" >"$tools/go.log" 2>&1; then
    cat "$tools/go.log" >&2
    fail "$(go version) could not build Delve $2 (above is what it said)."
  fi
  rm -rf "$1/.config" "$1/.path" "$1/.cache" "$1/.modules"
  "$1/dlv" version >/dev/null || fail "the Delve $2 that go built does not run here."
}

make debugpy-new pip_target debugpy
make debugpy-1.6.6 pip_target debugpy==1.6.6
make openssh openssh
make far packages busybox-static socat netcat-openbsd
make node-24 node 24
make dlv-new dlv latest
make dlv-1.20 packages delve
make go-1.19 packages golang-1.19-go golang-1.19-src

for tool in debugpy-new/debugpy/__init__.py debugpy-1.6.6/debugpy/__init__.py openssh/usr/sbin/sshd far/bin/busybox far/usr/bin/socat node-24/bin/node \
  dlv-new/dlv dlv-1.20/usr/bin/dlv go-1.19/usr/lib/go-1.19/bin/go go-1.19/usr/lib/go-1.19/src/runtime/proc.go; do
  [ -e "$tools/$tool" ] || fail ".tools/$tool is missing although it was made; remove .tools/${tool%%/*} and run this again."
done
