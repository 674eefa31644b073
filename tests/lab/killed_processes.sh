#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 of each process in turn: it comes back by itself, the others go on, nothing stored is lost, the kernel
# answers nothing in its place, and new connections through the VIP work within 2 s.
#
#   client ──► VIP ── headgate-l4 ──► headgate-shard ──► b1, b2
#   tcpdump         └── headgate-node ── headgated (SQLite)
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_scenario tcpdump
lab_up
appliance_up

programs=(headgated headgate-node headgate-l4 headgate-shard)
pids() { for program in "${programs[@]}"; do [ "$program" = "$1" ] || echo "$program $(pid_of "$program")"; done; }
another_pid() { local pid; pid=$(pid_of "$1") && [ "$pid" != "$2" ]; } # another_pid PROGRAM OLD-PID
stored() { api GET /v1/config | jq -S .; }
connect() { client curl -sf --connect-timeout 0.25 --max-time 1 -o /dev/null -H "Host: $LAB_HOSTNAME" "http://$LAB_VIP/"; }
settled() {  # everything runs and is acknowledged
  api GET /v1/status | jq -e '.applied == .revision and ([.nodes[] | .connected] | all) and ([.nodes[].processes[] | .state == "running"] | all)'
}
captured() { client tcpdump -tt -nn -r "$1" 2>/dev/null; } # captured FILE: a line a packet

lab_spawn client tcpdump tcpdump -i eth0 -nn -U --immediate-mode -w "$LAB_DIR/resets.pcap" \
  "src host $LAB_VIP and (tcp[tcpflags] & tcp-rst != 0 or icmp)"
wait_until 5 "tcpdump listens" grep -q 'listening on' "$LAB_DIR/tcpdump.log"

config=$(stored)
for program in "${programs[@]}"; do
  step "kill -9 of $program"
  wait_until $((15 * LAB_SLOW)) "everything has settled before the kill" settled
  old=$(pid_of "$program")
  others=$(pids "$program")
  kill -9 "$old"
  killed_ms=$(now_ms)
  wait_until $((10 * LAB_SLOW)) "a new connection through the VIP" connect
  expect_at_most "new connections work again (ms)" $((2000 * LAB_SLOW)) $(($(now_ms) - killed_ms))
  wait_until $((10 * LAB_SLOW)) "$program is back" another_pid "$program" "$old"
  wait_until $((15 * LAB_SLOW)) "everything has settled again" settled
  expect_eq "the other processes have gone on" "$others" "$(pids "$program")"
  expect_eq "what is stored is the same" "$(sha256sum <<<"$config")" "$(stored | sha256sum)"
  expect_match "requests are answered" '^b[12]$' "$(get "http://$LAB_VIP/")"
  expect_match "over IPv6 too" '^b[12]$' "$(get "http://[$LAB_VIP6]/")"
done
expect_eq "resets and ICMP errors from the VIP" "" "$(captured "$LAB_DIR/resets.pcap")"

step "while headgate-l4 is dead nobody answers in its place"
client_mac=$(client cat /sys/class/net/eth0/address)
lab_spawn client tcpdump-dead tcpdump -i eth0 -nn -U --immediate-mode -w "$LAB_DIR/dead.pcap" "not ether src $client_mac"
wait_until 5 "tcpdump listens" grep -q 'listening on' "$LAB_DIR/tcpdump-dead.log"
node=$(pid_of headgate-node)
kill -STOP "$node" # so that it replaces nothing for a while
kill -9 "$(pid_of headgate-l4)"
wait_until 5 "headgate-l4 has ended" sh -c "! ip netns pids hg-$LAB-lb | xargs -I{} cat /proc/{}/comm 2>/dev/null | grep -q headgate-l4"
heard_before=$(captured "$LAB_DIR/dead.pcap" | wc -l)
client ip neigh flush dev eth0 >/dev/null
expect_eq "curl's status: no answer, not a refusal" 28 "$(client curl -s --max-time 1 -o /dev/null "http://$LAB_VIP/" || echo $?)"
expect_eq "over IPv6" 28 "$(client curl -s --max-time 1 -o /dev/null "http://[$LAB_VIP6]/" || echo $?)"
expect_eq "on the machine's own address" 28 "$(client curl -s --max-time 1 -o /dev/null "http://$LAB_HOST:9/" || echo $?)"
expect_eq "frames from the other side, ARP among them" "" "$(captured "$LAB_DIR/dead.pcap" | tail -n +$((heard_before + 1)))"
kill -CONT "$node"
wait_until $((10 * LAB_SLOW)) "a new connection through the VIP" connect

step "a download goes on while headgate-l4 is killed under it"
client curl -sf --limit-rate 20M -H "Host: $LAB_HOSTNAME" -r 0-39999999 -o "$LAB_DIR/download" "http://$LAB_VIP/large" &
download=$!
begun() { [ "$(stat -c %s "$LAB_DIR/download" 2>/dev/null || echo 0)" -gt 4000000 ]; }
wait_until 10 "the download has begun" begun
kill -9 "$(pid_of headgate-l4)"
wait "$download" || fail "the download broke: curl's status $?"
expect_eq "bytes received" 40000000 "$(stat -c %s "$LAB_DIR/download")"
