#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a machine may lack: hugepages, XDP. Headgate works without them and says so in log and status.
#
#   client ──► VIP ── l4 (4 KiB pages; then af_packet ports) ──► replica ──► b1, b2
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_scenario h2load
export LAB_HUGEPAGES=0
lab_up

step "without hugepages"
# Those of the machine are set aside for as long as this takes.
hugepages_take $((-$(cat "$HUGEPAGES_FILE"))) "$LAB_DIR/hugepages-aside"
put_back() { hugepages_give_back "$LAB_DIR/hugepages-aside"; }
trap 'put_back; lab_end' EXIT
appliance_up
notes() { api GET /v1/status | jq -r '.. | objects | .notices? // empty | .[].text'; }
noted() { notes | grep -qi "$1"; }
wait_until 5 "status says that hugepages are missing" noted hugepage
load "$LAB_VIP" $((LAB_REQUESTS / 10))
expect_eq "failed requests" 0 "$LOAD_FAILED"

step "without XDP: af_packet"
kill "$(cat "$LAB_DIR/headgate-node.pid")"
wait_until 20 "the keeper has ended" sh -c "! kill -0 $(cat "$LAB_DIR/headgate-node.pid") 2>/dev/null"
for program in headgate-node headgate-l4 headgate-shard; do
  while pid=$(pid_of "$program"); do kill -9 "$pid" 2>/dev/null || true; done
done
LAB_NODE_ARGS=(--uplink-driver af_packet --host-driver af_packet)
appliance_node_up
wait_until $((20 * LAB_SLOW)) "an answer through the VIP" get "http://$LAB_VIP/"
wait_until $((20 * LAB_SLOW)) "an answer through the IPv6 VIP" get "http://[$LAB_VIP6]/"
expect_match "headgate-l4's ports" 'af_packet' "$(tr '\0' ' ' <"/proc/$(pid_of headgate-l4)/cmdline")"
load "$LAB_VIP" $((LAB_REQUESTS / 10))
expect_eq "failed requests" 0 "$LOAD_FAILED"
