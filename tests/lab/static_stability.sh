#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The data plane needs no management plane: with headgated gone, traffic goes on, headgate-node is restarted and
# adopts what runs, killed processes come back, and even a start of the whole machine serves the last good state.
#
#   client ──► VIP ── l4 ──► replica ──► b1, b2          headgated: stopped
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_scenario h2load
lab_up
appliance_up

another_pid() { local pid; pid=$(pid_of "$1") && [ "$pid" != "$2" ]; }
answers() { get "http://$LAB_VIP/"; }
# The keeper of NAME and the program itself.
stop_kept() { kill "$(cat "$LAB_DIR/$1.pid")"; wait_until 20 "$1 has stopped" sh -c "! kill -0 $(cat "$LAB_DIR/$1.pid") 2>/dev/null"; }

step "headgated is stopped"
stop_kept headgated
expect_eq "headgated runs" no "$(pid_of headgated >/dev/null && echo yes || echo no)"
load "$LAB_VIP" $((LAB_REQUESTS / 10))
expect_eq "failed requests" 0 "$LOAD_FAILED"

step "headgate-node is killed: it comes back and adopts the others"
l4=$(pid_of headgate-l4)
shard=$(pid_of headgate-shard)
node=$(pid_of headgate-node)
load_start "$LAB_VIP" $((LAB_REQUESTS / 2))
kill -9 "$node"
wait_until $((10 * LAB_SLOW)) "headgate-node is back" another_pid headgate-node "$node"
load_wait
expect_eq "failed requests meanwhile" 0 "$LOAD_FAILED"
expect_eq "headgate-l4 is the same process" "$l4" "$(pid_of headgate-l4)"
expect_eq "the replica is the same process" "$shard" "$(pid_of headgate-shard)"

step "the replica is killed: the adopting node replaces it, without headgated"
kill -9 "$shard"
wait_until $((10 * LAB_SLOW)) "another replica" another_pid headgate-shard "$shard"
wait_until $((10 * LAB_SLOW)) "an answer" answers

step "the machine starts anew, without headgated"
stop_kept headgate-node
for program in headgate-l4 headgate-shard; do
  while pid=$(pid_of "$program"); do kill -9 "$pid" 2>/dev/null || true; done
done
ip -n "hg-$LAB-lb" link del hg0 2>/dev/null || true # a stopped headgate-node has taken it down itself
rm -rf "${LAB_DIR:?}/run" # what a reboot empties
appliance_node_up
wait_until $((20 * LAB_SLOW)) "the last good state is served" answers

step "headgated comes back: changes are applied again"
appliance_headgated_up
api_ok PUT "/v1/namespaces/default/routes/again?wait=applied&timeout=20s" \
  '{"listeners":["web"],"hostnames":["again.example.com"],"rules":[{"forward":[{"pool":"app"}]}]}' >/dev/null
expect_match "the new route" '^b[12]$' "$(client curl -sf -H 'Host: again.example.com' "http://$LAB_VIP/")"
