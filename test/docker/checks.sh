# What the image promises; sourced by try.sh. One `ok` or `not ok` line for each check.

count=0
failed=0

check() { # NAME COMMAND...
  count=$((count + 1))
  local said
  if said=$("${@:2}" 2>&1); then
    echo "ok $count - $1"
  else
    failed=$((failed + 1))
    echo "not ok $count - $1"
    printf '%s\n' "$said" | tail -30 | sed 's/^/  # /'
  fi
}

until_true() { # COMMAND... ; within a minute
  local tries
  for ((tries = 0; tries < 240; tries++)); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    sleep 0.25
  done
  echo "never true: $*"
  "$@"
}

says() { # WORDS COMMAND... ; what it prints has the words in it, whatever its exit code
  local said
  said=$("${@:2}" 2>&1)
  printf '%s\n' "$said"
  grep -qF -- "$1" <<<"$said"
}

exits() { # CODE WORDS COMMAND...
  local said code=0
  said=$("${@:3}" 2>&1) || code=$?
  printf '%s\nexit code %s\n' "$said" "$code"
  [ "$code" = "$1" ] && grep -qF -- "$2" <<<"$said"
}

ask() { beside node "$here/ask.mjs" "$@"; }
health() { [ "$(docker inspect --format '{{.State.Health.Status}}' "$1")" = "$2" ]; }
inspect_image() { docker image inspect --format "$1" breakwater; }
# Nothing but what the README says is needed.
safely=(--read-only --tmpfs /run/breakwater --cap-drop ALL --security-opt no-new-privileges)
often=(--health-interval 1s --health-timeout 5s --health-retries 2)

write_configs() {
  mkdir -p "$temp/etc" "$temp/sockets"
  chown 10001:10001 "$temp/sockets"
  chmod 700 "$temp/sockets"
  head -c 32 /dev/urandom | base64 >"$temp/etc/token"
  chmod 444 "$temp/etc/token"
  cat >"$temp/etc/host.yaml" <<'Y'
policies: { staging: { mode: inspect, pauseMax: 60s } }
targets: { orders: { backend: debugpy, at: 127.0.0.1:5678, policy: staging } }
Y
  cat >"$temp/etc/open.yaml" <<'Y'
listen: { tcp: 0.0.0.0:4711 }
targets: { orders: { backend: debugpy, at: 127.0.0.1:5678 } }
Y
  cat "$temp/etc/open.yaml" - >"$temp/etc/token.yaml" <<'Y'
auth: { tokens: [{ name: me, file: /run/secrets/token }] }
Y
}
with_config() { echo "--volume=$temp/etc/$1.yaml:/etc/breakwater/config.yaml:ro"; }

image_checks() {
  check 'the image runs as a numeric user that is not root' test "$(inspect_image '{{.Config.User}}')" = 10001:10001
  check 'a stop is a SIGTERM' test "$(inspect_image '{{.Config.StopSignal}}')" = SIGTERM
  check 'breakwater is in the path, whatever the user' says 'breakwater 0.' docker run --rm --network none --user 4242:4242 --entrypoint breakwater breakwater version
  check 'no development dependency, source or map is in the image' says 'nothing' docker run --rm --network none --entrypoint sh breakwater -c \
    '[ ! -e src ] && [ ! -e node_modules/typescript ] && [ ! -e node_modules/tap ] && [ -z "$(find dist node_modules -name "*.map" -type f)" ] && echo nothing'
  check 'the demo runs in it, with neither Python nor a network' says ': it goes on' docker run --rm --network none --read-only \
    --tmpfs /run/breakwater --tmpfs /tmp breakwater demo --once
  check 'no file beside the sources got into a layer' no_decoy
}

no_decoy() {
  docker save breakwater | tar xO --wildcards '*/layer.tar' >"$temp/layers"
  # The search finds what is there: the daemon itself, which no layer compresses.
  grep -qaF 'Breakwater listens' "$temp/layers" || { echo 'the search finds nothing at all'; return 1; }
  ! grep -qaF "$decoy" "$temp/layers" && ! docker history --no-trunc breakwater | grep -qF "$decoy"
}

daemon_checks() {
  docker run --detach --name plain "${safely[@]}" "${often[@]}" --network none "$(with_config host)" breakwater >/dev/null
  check 'with a read-only root file system it becomes healthy' until_true health plain healthy
  check 'its user is 10001' test "$(docker exec plain id -u):$(docker exec plain id -g)" = 10001:10001
  check 'process 1 has no capability' says 'CapEff:	0000000000000000' docker exec plain cat /proc/1/status
  check 'the root file system cannot be written' says 'Read-only file system' docker exec plain touch /app/x /home/breakwater/x
  check 'the socket is for its user only' test "$(docker exec plain stat -c '%a %u' /run/breakwater/breakwater.sock)" = '600 10001'
  check 'stdio: docker exec -i … connect TARGET' says 'response initialize ok' ask 'run:docker exec -i plain breakwater connect orders' initialize
  check 'sessions and targets answer in the container' says '"sessions"' docker exec plain breakwater sessions --json
  check 'a hanging daemon becomes unhealthy' hangs
  check 'and healthy again' until_true health plain healthy
  check 'SIGHUP reloads' reloads
  check 'a wrong configuration is not reloaded, and does not make it unhealthy' stays
  check 'docker stop drains, exit code 0' stops plain
  docker rm --volumes plain >/dev/null
  check 'without a daemon: docker run -i … connect TARGET' says 'response initialize ok' \
    ask "run:docker run -i --rm --read-only --tmpfs /run/breakwater --network none $(with_config host) breakwater connect orders" initialize
}

hangs() {
  docker kill --signal STOP plain >/dev/null
  until_true health plain unhealthy
  local code=$?
  docker kill --signal CONT plain >/dev/null
  return $code
}

reloads() {
  docker kill --signal HUP plain >/dev/null
  until_true says 'was reloaded' docker logs plain
}

stays() {
  cp "$temp/etc/host.yaml" "$temp/etc/kept.yaml"
  # In place: a bind mount of one file shows the file, and not a new one of its name.
  echo 'targets: 7' >"$temp/etc/host.yaml"
  docker kill --signal HUP plain >/dev/null
  local code=0
  until_true says 'was not reloaded' docker logs plain && health plain healthy || code=1
  local since
  since=$(docker inspect --format '{{len .State.Health.Log}}{{(index .State.Health.Log 0).Start}}' plain)
  until_true changed "$since" && health plain healthy || code=1
  cat "$temp/etc/kept.yaml" >"$temp/etc/host.yaml"
  return $code
}
changed() { [ "$(docker inspect --format '{{len .State.Health.Log}}{{(index .State.Health.Log 0).Start}}' plain)" != "$1" ]; }

stops() { # NAME
  docker stop --time 30 "$1" >/dev/null
  docker logs "$1" 2>&1 | tail -5
  local state
  state=$(docker inspect --format '{{.State.ExitCode}} {{.State.OOMKilled}}' "$1")
  echo "$state"
  [ "$state" = '0 false' ]
}

door_checks() {
  docker run --detach --name sockets --read-only --network none --volume "$temp/sockets:/run/breakwater" "$(with_config host)" breakwater >/dev/null
  check 'the unix socket answers through a volume' socket_answers
  check 'docker stop takes the socket away' takes_socket
  check 'a listener on all addresses without a token is refused' exits 78 'auth' docker run --rm --read-only --tmpfs /run/breakwater "$(with_config open)" breakwater
  docker run --detach --name published "${safely[@]}" --publish 127.0.0.1:4712:4711 --volume "$temp/etc/token:/run/secrets/token:ro" "$(with_config token)" breakwater >/dev/null
  check 'a published port answers' until_true says 'response initialize ok' ask tcp:4712 initialize
  check 'and attaches nobody without the token' says 'response attach refused: ' ask tcp:4712 initialize 'attach={"target":"orders"}'
  check 'nor with a wrong one' says 'token' ask tcp:4712 initialize 'attach={"target":"orders","token":"aaaaaaaaaaaaaaaaaaaaaaaa"}'
  check 'with the token the target is tried' says '127.0.0.1:5678' ask tcp:4712 initialize "attach={\"target\":\"orders\",\"token\":\"$(cat "$temp/etc/token")\"}"
  check 'it drains too' stops published
}

socket_answers() {
  until_true test -S "$temp/sockets/breakwater.sock" && says 'response initialize ok' ask "unix:$temp/sockets/breakwater.sock" initialize
}
takes_socket() { stops sockets && [ ! -e "$temp/sockets/breakwater.sock" ]; }

# A real program beside the container, as on a host that `--network host` shares.
debugging_checks() {
  printf 'import time\nwhile True:\n    print("tick", flush=True)\n    time.sleep(0.1)\n' >"$temp/ticks.py"
  PYTHONPATH=$tools/debugpy-new start_beside python3 -Xfrozen_modules=off -m debugpy --listen 127.0.0.1:5678 "$temp/ticks.py" \
    >"$temp/ticks" 2>"$temp/ticks.err"
  docker run --detach --name beside "${safely[@]}" --network host --volume audit:/var/lib/breakwater "$(with_config host)" breakwater >/dev/null
  check 'with --network host the loopback is shared' until_true says 'response initialize ok' ask tcp:4711 initialize
  start_beside node "$here/ask.mjs" tcp:4711 --hold initialize 'attach={"target":"orders"}' configurationDone threads >"$temp/client" 2>&1
  local client=$!
  check 'a real program is attached to' until_true says 'response threads ok' cat "$temp/client"
  check 'sessions lists it' says '"target":"orders"' sessions_line
  check 'docker stop with a client attached: exit code 0' stops beside
  wait "$client"
  check 'the client was told' says 'event terminated' cat "$temp/client"
  check 'the program runs on' runs_on
  stop_beside
  docker rm beside >/dev/null
  check 'the audit outlives the container, in its volume' says 'orders' docker run --rm --network none --volume audit:/var/lib/breakwater breakwater audit
}

sessions_line() { docker exec beside breakwater sessions --json | tr -d ' \n'; }

runs_on() {
  local before
  before=$(wc -l <"$temp/ticks")
  until_true ticks_beyond "$before"
}
ticks_beyond() { [ "$(wc -l <"$temp/ticks")" -gt "$(($1 + 5))" ]; }
