#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The derived hop (DESIGN §1) when things go wrong: a second tier that dies or is restarted, a headgate-node that dies and
# moves under load through every place that a namespace may have. What it does when all is well, its pattern verifies
# (scripts/patterns/central-ingress --lab).
#
#   client ══► VIP 192.0.2.100:80 ── l4 ──► central ──hop (Unix socket)──► team, third ──► b1, b2
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_scenario h2load
lab_up
appliance_headgated_up
appliance_enrol
appliance_node_up

applied() {  # applied METHOD PATH BODY
  api_ok "$1" "$2?wait=applied&timeout=$((10 * LAB_SLOW))s" "$3" >/dev/null
  [ "$(api_status)" != 202 ] || fail "$1 $2 was not applied in time"
}
move_to() { applied PUT /v1/namespaces/team "$([ -z "$1" ] && echo '{}' || echo "{\"shard\":\"$1\"}")"; }
backends=$(printf '%s\n' "${LAB_BACKENDS[@]}" | jq -Rc 'split(":") | { address: .[0], port: (.[1] | tonumber) }' | jq -sc .)
for shard in central team third; do api_ok PUT "/v1/shards/$shard" '{}' >/dev/null; done
api_ok PUT /v1/listeners/edge "{\"address\":\"$LAB_VIP\",\"port\":80,\"protocol\":\"http\",\"shard\":\"central\"}" >/dev/null
api_ok PUT /v1/namespaces/team '{"shard":"team"}' >/dev/null
api_ok PUT /v1/namespaces/team/pools/app "{\"backends\":$backends}" >/dev/null
applied PUT /v1/namespaces/team/routes/app \
  "{\"listeners\":[\"edge\"],\"hostnames\":[\"$LAB_HOSTNAME\"],\"rules\":[{\"forward\":[{\"pool\":\"app\"}]}]}"

step "client -> VIP on central -> hop -> team -> backend"
wait_until 20 "an answer through both tiers" get "http://$LAB_VIP/"
answers=$(for _ in {1..10}; do get "http://$LAB_VIP/"; done | sort -u | tr '\n' ' ')
expect_eq "who answers" "b1 b2 " "$answers"

step "both tiers log the client, the listener and the request's id"
get "http://$LAB_VIP/logged" >/dev/null
line_of() { cat "$LAB_DIR/log/$1/0"/* | jq -c 'select(.path == "/logged") | {client, listener, request_id, route, status}'; }
for shard in central team; do wait_until 5 "a line of $shard" sh -c "grep -q '\"path\":\"/logged\"' $LAB_DIR/log/$shard/0/*"; done
expect_match "the first tier's" '"client":"192\.0\.2\.2","listener":"edge"' "$(line_of central)"
expect_eq "the second tier's is the same" "$(line_of central)" "$(line_of team)"

step "a stranger on the hop socket is counted"
hop=$LAB_DIR/run/hop/team.sock
lb curl -s --max-time 5 --unix-socket "$hop" -H "Host: $LAB_HOSTNAME" http://hop/ >/dev/null || true
refused() {
  api GET /v1/stats | jq -e '[.nodes[].processes[] | select(.process == "shard/team/0") | .samples[] | select(.name | endswith("hop_peers_refused_total")) | .value] | add == 1'
}
wait_until 5 "it is in the statistics" refused

step "a dead second tier refuses nobody"
pid_of_team() { api GET /v1/status | jq '.nodes[].processes[] | select(.process == "shard/team/0") | .pid'; }
kill -9 "$(pid_of_team)"
expect_match "who comes meanwhile is answered" '^b[12]$' "$(client curl -sf --max-time 10 -H "Host: $LAB_HOSTNAME" "http://$LAB_VIP/")"

step "headgate-node dies under load, and is back with the hop's socket"
inode=$(stat -c %i "$hop")
load_start "$LAB_VIP" "$LAB_REQUESTS"
kill -9 "$(pid_of headgate-node)"
wait_until 20 "headgate-node is back" pid_of headgate-node
applied PATCH /v1/namespaces/team/pools/app '{"algorithm":"least_requests"}'
expect_eq "the hop's socket" "$inode" "$(stat -c %i "$hop")"
move_to third
move_to team
load_wait
expect_eq "failed requests" 0 "$LOAD_FAILED"

step "the second tier is restarted under requests that nobody may repeat"
echo body >"$LAB_DIR/posted"
restart_is() { api GET /v1/status | jq -e --arg state "$1" '.nodes[0].restarts[0].state == $state' >/dev/null; }
sum_of() { api GET /v1/stats | jq --arg name "$1" '[.nodes[].processes[].samples[] | select(.name | endswith($name)) | .value] | add'; }
failed=0 loads=0
for _ in 1 2 3; do
  old=$(pid_of_team)
  api_ok POST /v1/shards/team/restart >/dev/null
  # Its last connections that idle end a second after it takes no new ones.
  while kill -0 "$old" 2>/dev/null && [ "$loads" -lt 1000 ]; do
    load_program "$LAB_VIP" / -n "$LAB_REQUESTS" -d "$LAB_DIR/posted" >"$LAB_DIR/load.txt" 2>&1 &
    LOAD_PID=$! LOAD_TOTAL=$LAB_REQUESTS
    load_wait >/dev/null
    failed=$((failed + LOAD_FAILED)) loads=$((loads + 1))
  done
  wait_until 10 "the restart is over" restart_is "done"
done
expect_at_least "loads while old replicas ended" 3 "$loads"
expect_eq "failed POSTs in them" 0 "$failed"
say "sent again, since nobody had read them: $(sum_of upstream_stale_total)"

step "the namespace moves under load"
moves=0
load_start "$LAB_VIP" "$LAB_REQUESTS"
while load_running || [ "$moves" -lt 8 ]; do
  for shard in third '' team central team; do
    move_to "$shard"
    moves=$((moves + 1))
  done
done
load_wait
expect_eq "failed requests under $moves moves" 0 "$LOAD_FAILED"
say "requests that came before their route did, and waited for it: $(sum_of hop_waits_total)"
move_to ''
wait_until 5 "the hop socket is gone with the last route" test ! -e "$hop"
