# A dockerd of our own, as root, that leaves nothing behind: sourced by try.sh, which sets $tools and $temp.
#
# It runs in namespaces of its own: the end of their first process ends dockerd, containerd and every container, and
# takes the mounts and bridges with it.

init_pid=
unshare_pid=
cgroup_parent=/breakwater-docker-$$

start_dockerd() { # host|own NAMESPACE OF THE NETWORK, ARGUMENT OF DOCKERD...
  local network=() before=true
  if [ "$1" = own ]; then
    network=(--net)
    before='ip link set lo up'
  fi
  local log=$temp/dockerd-$1.log
  # shellcheck disable=SC2016 # expanded in there
  PATH=$tools/docker/usr/bin:$tools/docker/usr/sbin:$PATH unshare --mount --pid "${network[@]}" --fork --kill-child --mount-proc \
    sh -c 'eval "$1"; shift; exec tini-static -- dockerd "$@"' dockerd "$before" \
    --host "$DOCKER_HOST" --data-root "$temp/data" --exec-root "$temp/exec" --pidfile "$temp/dockerd.pid" \
    --iptables=false --ip-masq=false --cgroup-parent "$cgroup_parent" "${@:2}" >"$log" 2>&1 &
  unshare_pid=$!
  local tries
  for ((tries = 0; tries < 240; tries++)); do
    if docker version >/dev/null 2>&1; then
      init_pid=$(ps -o pid= --ppid "$unshare_pid" | tr -d ' ')
      return
    fi
    kill -0 "$unshare_pid" 2>/dev/null || break
    sleep 0.25
  done
  tail -20 "$log" >&2
  fail 'dockerd did not start (above)'
}

stop_dockerd() {
  [ -n "$unshare_pid" ] || return 0
  # dockerd ends its containers and then itself, if it is well; what does not is killed with the namespace.
  if [ -n "$init_pid" ]; then kill -TERM "$init_pid" 2>/dev/null; fi
  local tries
  for ((tries = 0; tries < 120; tries++)); do
    kill -0 "$unshare_pid" 2>/dev/null || break
    sleep 0.25
  done
  kill -KILL "$unshare_pid" 2>/dev/null
  wait "$unshare_pid" 2>/dev/null
  unshare_pid=
  init_pid=
  return 0
}

remove_cgroups() {
  local folder
  for folder in /sys/fs/cgroup"$cgroup_parent" /sys/fs/cgroup/*"$cgroup_parent"; do
    if [ -d "$folder" ]; then find "$folder" -depth -type d -exec rmdir {} \; 2>/dev/null; fi
  done
  return 0
}

# Runs a command beside the containers, where the loopback is theirs and the network is nobody else's.
beside() {
  nsenter --target "$init_pid" --net "$@"
}

started=()

# The same in the background, until stop_beside; $! is the program itself.
start_beside() {
  nsenter --target "$init_pid" --net "$@" &
  started+=($!)
}

stop_beside() {
  local pid
  for pid in "${started[@]}"; do
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
  done
  started=()
  return 0
}
