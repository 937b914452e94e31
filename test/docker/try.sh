#!/usr/bin/env bash
# Builds the image and tries it for real: `bash test/docker/try.sh`, as root. Prints one `ok` or `not ok` line a check.
#
# Everything is its own: Docker is unpacked below .tools, dockerd runs in namespaces with its data in a temporary
# folder, and no image is pulled: debootstrap makes what stands in for node:24-bookworm-slim. All of it is gone at the
# end, but for .tools. The containers are tried in a network of their own; only the build reaches out, to npm's registry.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
tools=$root/.tools
[ "$(id -u)" = 0 ] || { echo 'try.sh: dockerd needs root' >&2; exit 1; }
bash "$root/test/support/install.sh" || exit 1

. "$here/tools.sh"
. "$here/dockerd.sh"
. "$here/checks.sh"

temp=$(mktemp -d /tmp/breakwater-docker.XXXXXX)
export DOCKER_HOST=unix://$temp/docker.sock DOCKER_CONFIG=$temp/client-config
unset DOCKER_CONTEXT
PATH=$tools/docker/usr/bin:$PATH
clean() {
  trap '' INT TERM
  stop_beside
  stop_dockerd
  remove_cgroups
  rm -rf "$temp"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# A checkout has more in it than what is built: keys and the like must stay out of the image.
decoy=decoy-$$-$(date +%s)
build() {
  local context=$temp/context name
  mkdir -p "$context/.ssh"
  cp -r "$root"/{Dockerfile,.dockerignore,package.json,package-lock.json,tsconfig.json,src,demo} "$context"
  for name in .env .npmrc token.txt .ssh/id_ed25519 src/.env; do echo "#$decoy" >"$context/$name"; done
  DOCKER_BUILDKIT=1 docker build --network host --progress plain --tag breakwater "$context" >"$temp/build.log" 2>&1 ||
    { tail -40 "$temp/build.log" >&2; fail 'the image could not be built (above)'; }
}

step() { echo "# ${SECONDS}s: $*"; }

step 'Docker and the base image'
(
  flock 9
  make_docker && make_base
) 9>"$tools/.docker-lock" || exit 1
step 'dockerd, for the build'
start_dockerd host --bridge none --ip-forward=false
import_base
step 'docker build'
build
stop_dockerd

step 'dockerd, in a network of its own'
start_dockerd own
write_configs
image_checks
daemon_checks
door_checks
debugging_checks
step 'done'
echo "1..$count"
[ "$failed" = 0 ]
