# SPDX-License-Identifier: Apache-2.0
# Headgate inside the lab's namespace hg-N-lb: its processes, its API and simple ingress (DESIGN §1, first row).
# Sourced by lab.sh.
# shellcheck shell=bash

LAB_API=http://127.0.0.1:7080
LAB_API_HEADERS=() # a scenario's own: (-H 'If-Match: "1"')
LAB_HEADGATED_ARGS=()
LAB_NODE_ARGS=() # a scenario adds its own, --uplink-driver af_packet say

appliance_headgated_up() {
  [ -x "$LAB_BIN/headgated" ] || fail "there is no $LAB_BIN/headgated; build it: scripts/dev/build release"
  mkdir -p "$LAB_DIR/db"
  lab_spawn lb headgated "$LAB_TOP/scripts/dev/keep" headgated "$LAB_BIN/headgated" \
    --database "$LAB_DIR/db/headgate.db" --listen 127.0.0.1:7080 --token-file "$LAB_DIR/admin.token" "${LAB_HEADGATED_ARGS[@]}"
  wait_until 20 "headgated answers" lb curl -sf "$LAB_API/readyz"
}

appliance_node_up() {
  hugepages_take "${LAB_HUGEPAGES:-64}" "$LAB_DIR/hugepages"
  lab_spawn lb headgate-node "$LAB_TOP/scripts/dev/keep" headgate-node "$LAB_BIN/headgate-node" \
    --api "$LAB_API" --name n1 --enrolment-token-file "$LAB_DIR/n1.token" \
    --state-dir "$LAB_DIR/state" --run-dir "$LAB_DIR/run" --log-dir "$LAB_DIR/log" \
    --uplink "$LAB_UPLINK" "${LAB_HOST_ADDRESSES[@]}" "${LAB_NODE_ARGS[@]}"
}

# api METHOD PATH [BODY]: prints the answer's body; its status is in LAB_STATUS's file. Fails on nothing, so
# that a scenario can look at refusals. With LAB_SHOW the call is printed as one would type it.
api() {
  local method=$1 path=$2 body=${3:-}
  if [ -n "${LAB_SHOW:-}" ]; then
    printf '$ curl -X %s -H "Authorization: Bearer $TOKEN" %s' "$method" "'$LAB_API_SHOWN$path'" >&2
    [ -z "$body" ] && echo >&2 || printf " -d '%s'\n" "$body" >&2
  fi
  rm -f "$LAB_DIR/answer" # no answer must not look like the one before
  lb curl -sS --max-time 40 -X "$method" -H "Authorization: Bearer ${LAB_TOKEN:-$(cat "$LAB_DIR/admin.token")}" \
    -H 'Content-Type: application/json' "${LAB_API_HEADERS[@]}" ${body:+--data-binary "$body"} \
    -o "$LAB_DIR/answer" -w '%{http_code}' "$LAB_API$path" >"$LAB_DIR/answer.status" ||
    { echo 000 >"$LAB_DIR/answer.status"; echo null >"$LAB_DIR/answer"; } # of no input at all jq -e would say yes
  cat "$LAB_DIR/answer" 2>/dev/null || true
}
api_status() { cat "$LAB_DIR/answer.status"; }

# api_ok METHOD PATH [BODY]: the same, for what must be accepted.
api_ok() {
  local answer
  answer=$(api "$@")
  case $(api_status) in
    2*) [ -z "${LAB_SHOW:-}" ] || printf '  %s %s\n' "$(api_status)" "$(jq -c 'del(.meta, .status)' <<<"$answer" 2>/dev/null || true)" >&2 ;;
    *) fail "$1 $2 was answered with $(api_status): $answer" ;;
  esac
  printf '%s\n' "$answer"
}

# appliance_capture LISTENER COMMAND… -- ARGUMENT…: what headgatectl captures while the command is run again and again, as
# LISTENER.pcapng, and what it says of it, as LISTENER.captured.
appliance_capture() {
  local listener=$1 run=() capture
  shift
  while [ "$1" != -- ]; do
    run+=("$1")
    shift
  done
  shift
  HEADGATE_API=$LAB_API HEADGATE_TOKEN_FILE=$LAB_DIR/admin.token lb "$LAB_TOP/scripts/headgatectl" capture "$listener" "$@" \
    >"$LAB_DIR/$listener.pcapng" 2>"$LAB_DIR/$listener.captured" &
  capture=$!
  while kill -0 "$capture" 2>/dev/null; do "${run[@]}" >/dev/null; done
  wait "$capture" || fail "no capture: $(cat "$LAB_DIR/$listener.captured")"
  say "$(cat "$LAB_DIR/$listener.captured")"
}
capture_read() { tcpdump -ennA -r "$LAB_DIR/$1.pcapng" 2>/dev/null; } # capture_read LISTENER
capture_comments() { LC_ALL=C tr -cs '[:print:]' '\n' <"$LAB_DIR/$1.pcapng"; } # among all other text of the file

appliance_enrol() {
  api_ok PUT /v1/nodes/n1 '{"roles":["ingress","worker"]}' >/dev/null
  # The call is shown, the token in its answer is not.
  (umask 077; api_ok POST /v1/nodes/n1/enrolment 2> >(sed 's/"token":"[^"]*"/"token":"…"/' >&2) | jq -r .token >"$LAB_DIR/n1.token")
}

LAB_HOSTNAME=${LAB_HOSTNAME:-app.example.com}
LAB_SHARD='{}'
LAB_HEALTH='{"type":"http","path":"/","interval":"200ms","timeout":"500ms","rise":1,"fall":2}'
appliance_configure() {  # one shard; a listener on each VIP; one route to one pool of two backends
  local listeners='"web"' backends
  api_ok PUT /v1/shards/edge "$LAB_SHARD" >/dev/null
  api_ok PUT /v1/listeners/web "$(listener_on "$LAB_VIP")" >/dev/null
  if [ -n "$LAB_VIP6" ]; then
    api_ok PUT /v1/listeners/web6 "$(listener_on "$LAB_VIP6")" >/dev/null
    listeners='"web","web6"'
  fi
  backends=$(printf '%s\n' "${LAB_BACKENDS[@]}" | jq -Rc 'split(":") | { address: .[0], port: (.[1] | tonumber) }' | jq -sc .)
  api_ok PUT /v1/namespaces/default/pools/app "{\"backends\":$backends,\"health\":$LAB_HEALTH}" >/dev/null
  api_ok PUT "/v1/namespaces/default/routes/app?wait=applied&timeout=20s" \
    "{\"listeners\":[$listeners],\"hostnames\":[\"$LAB_HOSTNAME\"],\"rules\":[{\"forward\":[{\"pool\":\"app\"}]}]}" >/dev/null
  [ "$(api_status)" != 202 ] || fail "the configuration was accepted, but not applied within 20 s"
}
listener_on() { echo "{\"address\":\"$1\",\"port\":80,\"protocol\":\"http\",\"shard\":\"edge\"}"; }
in_url() { case $1 in *:*) echo "[$1]" ;; *) echo "$1" ;; esac; }

# All of it, up to the first answer through the VIP.
appliance_up() {
  appliance_headgated_up
  appliance_enrol
  appliance_node_up
  appliance_configure
  wait_until 20 "an answer through the VIP" get "http://$LAB_VIP/"
  wait_until 20 "an answer through the IPv6 VIP" get "http://[$LAB_VIP6]/"
}

# get URL [CURL-ARGUMENT…]: from the client, for the route's hostname; fails unless 2xx.
get() { client curl -sf --max-time 2 -H "Host: $LAB_HOSTNAME" "${@:2}" "$1"; }

# pid_of headgated|headgate-node|headgate-l4|headgate-shard: the program itself, not its keeper
pid_of() {
  local pid
  for pid in $(ip netns pids "hg-$LAB-lb"); do
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != "$1" ] || { echo "$pid"; return 0; }
  done
  return 1
}

# The conservation law, by what headgate-l4 itself has counted and reported: every packet received has been sent on,
# out of the uplink or to the host, or dropped under a name.
l4_is_balanced() {
  api GET /v1/stats | jq -er '
    [.nodes[].processes[] | select(.process == "l4") | .samples[]] as $samples
    | def sum($name): [$samples[] | select(.name == $name) | .value] | add // 0;
    {rx: sum("l4_rx_packets_total"), tx: sum("l4_tx_packets_total"), drops: sum("l4_drops_total")}
    | if .rx > 0 and .rx == .tx + .drops then "rx \(.rx) = tx \(.tx) + drops \(.drops)" else error("\(.)") end'
}

# The host's 127.0.0.1:PORT reaches headgated, through a Unix socket, which knows no network namespaces.
appliance_relay_up() {
  lab_spawn lb relay socat "UNIX-LISTEN:$LAB_DIR/api.sock,fork,mode=600" TCP:127.0.0.1:7080
  wait_until 5 "the API's relay" test -S "$LAB_DIR/api.sock"
  local port
  for port in {7080..7099}; do
    ! ss -Hltn "sport = :$port" | grep -q . || continue
    setsid socat "TCP-LISTEN:$port,bind=127.0.0.1,fork,reuseaddr" "UNIX-CONNECT:$LAB_DIR/api.sock" >>"$LAB_DIR/relay.log" 2>&1 </dev/null &
    echo $! >"$LAB_DIR/relay-host.pid"
    disown
    wait_until 5 "the API on the host's 127.0.0.1:$port" curl -sf "http://127.0.0.1:$port/readyz"
    LAB_API_SHOWN=http://127.0.0.1:$port
    return
  done
  fail "the ports 7080 to 7099 of 127.0.0.1 are all taken: $(ss -Hltnp 'sport >= :7080 and sport <= :7099' | awk '{ print $4, $6 }' | head -3)"
}
LAB_API_SHOWN=$LAB_API
