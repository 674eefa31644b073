#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Configuration changes while requests run: every change is applied, no request fails, no WebSocket is closed. Routes
# are added and removed, the pool's weights and algorithm change, a listener comes and goes, the shard gets a second
# replica and loses it, and is restarted.
#
#   client ══ 64 connections ══► VIP ── l4 ──► replica(s) ══► b1, b2
#          ══ 20 WebSockets ═══► ………………………………… ══► b2: tests/lab/echo_backend
#   tests/lab/changer ── PUT, DELETE …, ten times a second
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
seconds=${LAB_CHANGE_SECONDS:-15} # 600 is what the project promises, 15 what CI has time for
lab_scenario h2load python3
rate=$((10 / LAB_SLOW))
lab_up
appliance_up

applied() {  # applied METHOD PATH [BODY]
  api_ok "$1" "$2?wait=applied&timeout=$((10 * LAB_SLOW))s" "${3:-}" >/dev/null
  [ "$(api_status)" != 202 ] || fail "$1 $2 was not applied in time"
}

lab_spawn b2 echo "$LAB_SOURCE/echo_backend" 8084
applied PUT /v1/namespaces/default/pools/echo '{"backends":[{"address":"10.77.2.2","port":8084}]}'
applied PUT /v1/namespaces/default/routes/echo '{"listeners":["web"],"hostnames":["socket.example.com"],"rules":[{"forward":[{"pool":"echo"}]}]}'
wait_until 10 "the WebSockets' backend answers" client curl -sf -H 'Host: socket.example.com' "http://$LAB_VIP/"
lab_spawn client sockets "$LAB_SOURCE/socket_client" "$LAB_VIP" 80 socket.example.com 20
wait_until $((10 * LAB_SLOW)) "the WebSockets are open" grep -q '^20 open' "$LAB_DIR/sockets.log"

step "$rate changes a second for $seconds s"
load_start_for "$LAB_VIP" $((seconds + 2))
changed=$(lb timeout $((seconds + 60)) "$LAB_SOURCE/changer" "$LAB_API" "$LAB_DIR/admin.token" "$seconds" "$rate" "$LAB_VIP" "$LAB_HEALTH" 2>&1) ||
  fail "the changes ended: $changed"
load_wait
say "$changed"
expect_eq "changes applied" $((seconds * rate)) "$(jq .changes <<<"$changed")"
expect_at_most "seconds that they took" $((seconds + 1 + seconds / 100)) "$(jq '.seconds | round' <<<"$changed")"
expect_eq "failed requests" 0 "$LOAD_FAILED"
kill "$(cat "$LAB_DIR/sockets.pid")"
wait_until 5 "the WebSockets' client has ended" grep -q 'still open' "$LAB_DIR/sockets.log"
expect_eq "WebSockets" "20 still open" "$(tail -n 1 "$LAB_DIR/sockets.log" | grep -o '.* still open')"
say "$(tail -n 1 "$LAB_DIR/sockets.log")"

step "a change of the number of replicas"
load_start "$LAB_VIP" "$LAB_REQUESTS"
applied PUT /v1/shards/edge '{"replicas_per_node":2}'
expect_eq "replicas" 2 "$(api GET /v1/status | jq '[.nodes[].processes[] | select(.process | startswith("shard/")) | select(.state == "running")] | length')"
applied PUT /v1/shards/edge '{"replicas_per_node":1}'
load_wait
expect_eq "failed requests" 0 "$LOAD_FAILED"

step "a restart of the shard, one replica after the other"
applied PUT /v1/shards/edge '{"replicas_per_node":2}'
replicas() { api GET /v1/status | jq -c '[.nodes[].processes[] | select(.process | startswith("shard/")) | .pid]'; }
restart_is() { api GET /v1/status | jq -e --arg state "$1" '.nodes[0].restarts[0].state == $state' >/dev/null; }
before=$(replicas)
api_ok POST /v1/shards/edge/restart >/dev/null
expect_eq "its answer: accepted" 202 "$(api_status)"
api POST /v1/shards/edge/restart >/dev/null
expect_eq "another one meanwhile" 409 "$(api_status)"
failed=0
loads=0
while restart_is running && [ "$loads" -lt 1000 ]; do
  load "$LAB_VIP" "$LAB_REQUESTS"
  failed=$((failed + LOAD_FAILED))
  loads=$((loads + 1))
done
restart_is "done" || fail "the restart did not end well: $(api GET /v1/status | jq -c '.nodes[0].restarts')"
expect_eq "failed requests in $loads loads while it ran" 0 "$failed"
expect_eq "replicas that are left of those before" '[]' "$(jq -cn --argjson before "$before" --argjson now "$(replicas)" '$before - ($before - $now)')"
expect_eq "replicas" 2 "$(replicas | jq length)"
