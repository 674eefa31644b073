#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Listeners that end on a pool, by dsr: every packet of a client goes through l4 to the backend's machine as it came,
# and the backend, which has the VIP on its loopback interface, answers the client itself.
#
#   client ──► VIP 192.0.2.100:8080 tcp, :5353 udp ── l4 ──► MAC of b1 or b2
#          ◄───────────────────────────────────────────────── b1, b2
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
# shellcheck source=tests/lab/lan.sh
. "$LAB_SOURCE/lan.sh"
lab_scenario perl tcpdump
LAB_LARGE_BYTES=256M
lab_up
lan_up
for number in 1 2; do
  lan_has_vip "b$number"
  # For clients by the VIPs, for the health check by the backend's own address.
  for address in "$LAB_VIP" "$LAB_VIP6" "192.0.2.2$number"; do lan_udp_up "b$number" "$address" 5353; done
done
appliance_headgated_up
appliance_enrol
appliance_node_up

pool_of() { # pool_of PORT TYPE ADDRESS…: the pool's body; DRAIN has an address that drains
  local port=$1 type=$2
  shift 2
  printf '%s\n' "$@" | jq -R --argjson port "$port" --arg drain "${DRAIN:-}" '{ address: ., port: $port, drain: (. == $drain) }' |
    jq -sc --arg type "$type" '{ backends: ., when_all_down: "refuse" }
      + { health: ({ type: $type, interval: "200ms", timeout: "200ms", rise: 1, fall: 3 }
                   + if $type == "udp" then { request: "who is there", response: "b" } else {} end) }'
}
put_pool() { api_ok PUT "/v1/namespaces/default/pools/$1?wait=applied&timeout=20s" "$2" >/dev/null; }
put_listener() { # put_listener NAME ADDRESS PORT PROTOCOL POOL
  api_ok PUT "/v1/listeners/$1?wait=applied&timeout=20s" \
    "{\"address\":\"$2\",\"port\":$3,\"protocol\":\"$4\",\"pool\":\"default/$5\",\"forwarding\":\"dsr\"}" >/dev/null
  [ "$(api_status)" != 202 ] || fail "listener $1 was accepted, but not applied within 20 s"
}
put_pool web "$(pool_of 8080 tcp "${LAN_BACKENDS[@]}")"
put_pool web6 "$(pool_of 8080 tcp "${LAN_BACKENDS6[@]}")"
put_pool dns "$(pool_of 5353 udp "${LAN_BACKENDS[@]}")"
put_pool dns6 "$(pool_of 5353 icmp "${LAN_BACKENDS6[@]}")"
put_listener web "$LAB_VIP" 8080 tcp web
put_listener web6 "$LAB_VIP6" 8080 tcp web6
put_listener dns "$LAB_VIP" 5353 udp dns
put_listener dns6 "$LAB_VIP6" 5353 udp dns6

page() { client curl -sf --max-time 5 "http://$(in_url "$1"):8080/"; }
who() { for _ in {1..20}; do "$@"; echo; done | cut -d" " -f1 | sed "/^$/d" | sort -u | tr '\n' ' '; }

step "what is applied is served: TCP and UDP, IPv4 and IPv6, both backends"
for address in "$LAB_VIP" "$LAB_VIP6"; do
  expect_eq "who answers on $address by TCP" "b1 b2 " "$(who page "$address")"
  expect_eq "who answers on $address by UDP" "b1 b2 " "$(who ask "$address" 5353 question)"
done

step "explain: where a packet goes, by the running l4"
export HEADGATE_API=$LAB_API HEADGATE_TOKEN_FILE=$LAB_DIR/admin.token
explained=$(lb "$LAB_TOP/scripts/headgatectl" packet dns 192.0.2.2:40000)
say "$explained"
expect_match "the target of a flow that would begin" '^l4 on n1, revision [0-9]+: forwarded, by dsr to 192\.0\.2\.2[12]:5353, chosen by maglev$' "$explained"
expect_match "its neighbour" ' 192\.0\.2\.21:5353, weight 1, next hop ([0-9a-f]{2}:){5}[0-9a-f]{2}$' "$explained"
printf x | client socat -u - "UDP4:$LAB_VIP:5353,bind=:40000"
expect_match "a flow that is known" 'chosen by flow_table$' "$(lb "$LAB_TOP/scripts/headgatectl" packet dns 192.0.2.2:40000 | head -n 1)"

step "capture: an HTTP request as it came and as it went on"
appliance_capture web page "$LAB_VIP" -- --count 20 --seconds 30 --snap-bytes 1Ki --filter 'dst host 192.0.2.100'
captured=$(capture_read web)
l4_mac=$(lb cat "/sys/class/net/$LAB_UPLINK/address")
expect_match "the request" 'GET / HTTP/1\.1' "$captured"
expect_match "as received: to our MAC address" "> $l4_mac, ethertype IPv4 .* 192\.0\.2\.100\.8080: Flags \[S\]" "$captured"
expect_match "as sent: from it to the backend's" "$l4_mac > [0-9a-f:]+, ethertype IPv4 .* 192\.0\.2\.100\.8080: Flags \[S\]" "$captured"
expect_match "the verdict" 'to 192\.0\.2\.2[12]:8080 by dsr' "$(capture_comments web)"
expect_match "how it ended" '20 packets on n1, .* 0 more lost; ended by count' "$(cat "$LAB_DIR/web.captured")"

step "capture: one at a time, and the next once the client has gone"
asks_for_a_minute() { # asks_for_a_minute MAX_TIME: and gets nothing, for nobody has that address
  lb curl -sS --max-time "$1" -X POST -H "Authorization: Bearer $(cat "$LAB_DIR/admin.token")" -H 'Content-Type: application/json' \
    -d '{"listener":"web","filter":"host 203.0.113.1","seconds":60}' -o /dev/null "$LAB_API/v1/captures"
}
captures_begun() { api GET /v1/audit | jq '[.items[] | select(.verb == "capture")] | length'; }
before=$(captures_begun)
asks_for_a_minute 5 2>/dev/null &
minute=$!
begun() { [ "$(captures_begun)" -gt "$before" ]; }
wait_until 5 "the audit log has it" begun # and what is asked from now on reaches l4 after it
expect_eq "another meanwhile" conflict \
  "$(api POST /v1/captures '{"listener":"dns","seconds":1}' | jq -r '.errors[0].code')"
wait "$minute" && fail "a capture of nothing was answered before its time"
free_again() { api POST /v1/captures '{"listener":"dns","filter":"host 203.0.113.1","seconds":1}' >/dev/null; [ "$(api_status)" = 200 ]; }
wait_until 10 "another begins, long before the minute is over" free_again
expect_eq "a name in a filter" "/filter invalid_value" \
  "$(api POST /v1/captures '{"listener":"web","filter":"host example.com"}' | jq -r '.errors[] | "\(.pointer) \(.code)"')"

step "the answers go past us, and no packet is lost"
samples() { api GET /v1/stats | jq -r "[.nodes[].processes[] | select(.process == \"l4\") | .samples[] | select($1) | .value] | add // 0"; }
reported() { [ "$(samples '.name == "l4_target_rx_packets_total" and .labels.protocol == "tcp"')" -gt 100 ]; }
wait_until 5 "l4 has counted packets to targets" reported
expect_eq "packets from targets" 0 "$(samples '.name == "l4_target_tx_packets_total"')"
expect_eq "drops" 0 "$(samples '.name == "l4_drops_total" and .labels.reason != "host_rate_other"')"

step "datagrams in fragments arrive whole"
large=$(head -c 4000 /dev/zero | tr '\0' x)
for address in "$LAB_VIP" "$LAB_VIP6"; do
  expect_eq "bytes of the answer from $address" 4003 "$(ask "$address" 5353 "$large" | wc -c)"
done

step "who traces the way finds us in it"
counter() { client nstat -asz "$1" | awk -v name="$1" '$1 == name { print $2 }'; }
printf x | client socat -u - "UDP4:$LAB_VIP:5353,ip-ttl=1"
printf x | client socat -u - "UDP6:[$LAB_VIP6]:5353,ipv6-unicast-hops=1"
told() { [ "$(counter IcmpInTimeExcds) $(counter Icmp6InTimeExcds)" = "1 1" ]; }
wait_until 5 "the client is told that the time was exceeded, IPv4 and IPv6" told
answered() { [ "$(samples '.name == "l4_icmp_answers_total"')" -eq 2 ]; }
wait_until 5 "l4 has counted its answers" answered

step "an established flow stays while targets come and go"
client curl -sf --limit-rate 30M -o "$LAB_DIR/large" "http://$LAB_VIP:8080/large" &
download=$!
for address in "${LAN_BACKENDS[@]}"; do
  DRAIN=$address put_pool web "$(DRAIN=$address pool_of 8080 tcp "${LAN_BACKENDS[@]}")"
  put_pool web "$(pool_of 8080 tcp "$address")"
done
put_pool web "$(pool_of 8080 tcp "${LAN_BACKENDS[@]}")"
kill -0 "$download" 2>/dev/null || fail "the download was over before the targets had changed"
wait "$download" || fail "the download was cut off: curl ended with $?"
expect_eq "bytes" $((256 << 20)) "$(stat -c %s "$LAB_DIR/large")"

step "a backend that drains gets no new flow"
put_pool web "$(DRAIN=${LAN_BACKENDS[0]} pool_of 8080 tcp "${LAN_BACKENDS[@]}")"
expect_eq "who answers" "b2 " "$(who page "$LAB_VIP")"
put_pool web "$(pool_of 8080 tcp "${LAN_BACKENDS[@]}")"

step "a backend that dies is steered around within a second"
usable() { [ "$(samples ".name == \"l4_target_usable\" and .labels.target == \"192.0.2.21:8080\"")" = "$1" ]; }
wait_until 5 "b1 is usable" usable 1
kill "$(cat "$LAB_DIR/b1.pid")"
died_ms=$(now_ms)
# Asked of the running l4: that only b2 answers says nothing, for a dead backend never does.
targets_of() { lb "$LAB_TOP/scripts/headgatectl" packet "$1" "${2:-192.0.2.2}:40000"; }
steered_around() { targets_of "$1" "${3:-}" | grep -F " $2, " | grep -q ', not usable$'; }
wait_until $((5 * LAB_SLOW)) "b1 is steered around" steered_around web 192.0.2.21:8080
say "b1 is steered around after $(($(now_ms) - died_ms)) ms"
expect_eq "requests without an answer" 0 "$(for _ in {1..20}; do page "$LAB_VIP" >/dev/null || echo lost; done | wc -l)"
lab_backend_up b1
both() { [ "$(who page "$LAB_VIP")" = "b1 b2 " ]; }
wait_until 10 "b1 gets its share again" both

step "a UDP service that dies is steered around within a second, by flows that are known too"
printf x | client socat -u - "UDP4:$LAB_VIP:5353,bind=:40000"
target=$(targets_of dns | sed -nE '1s/.* to ([0-9.]+):5353, chosen by flow_table$/\1/p')
dying=b${target##*.2}
lan_udp_down "$dying" "$target"
lan_udp_down "$dying" "$LAB_VIP"
died_ms=$(now_ms)
wait_until $((5 * LAB_SLOW)) "$dying is steered around" steered_around dns "$target:5353"
say "$dying is steered around after $(($(now_ms) - died_ms)) ms"
expect_match "who else answers the flow that is known" '^b[12] question$' "$(client socat -t 5 - "UDP4:$LAB_VIP:5353,bind=:40000" <<<question)"
expect_eq "questions without an answer" 0 "$(for _ in {1..20}; do ask "$LAB_VIP" 5353 >/dev/null || echo lost; done | wc -l)"
! steered_around dns6 "[2001:db8:2::2${dying#b}]:5353" '[2001:db8:2::2]' || fail "an icmp check took a dead service for a dead machine"
lan_udp_up "$dying" "$LAB_VIP" 5353
lan_udp_up "$dying" "$target" 5353
both_by_udp() { [ "$(who ask "$LAB_VIP" 5353)" = "b1 b2 " ]; }
wait_until 10 "$dying gets its share again" both_by_udp

step "a backend whose machine is gone"
in_ns b2 ip link set lan down
gone_ms=$(now_ms)
wait_until $((5 * LAB_SLOW)) "it answers no echo" steered_around dns6 '[2001:db8:2::22]:5353' '[2001:db8:2::2]'
say "b2 is steered around after $(($(now_ms) - gone_ms)) ms"
wait_until $((5 * LAB_SLOW)) "it answers no datagram" steered_around dns 192.0.2.22:5353
only_b1() { [ "$(who page "$LAB_VIP")" = "b1 " ]; }
wait_until $((20 * LAB_SLOW)) "b1 alone answers" only_b1
in_ns b2 ip link set lan up
in_ns b2 ip addr add "${LAN_BACKENDS6[1]}/64" dev lan # IPv6 addresses go with the link
wait_until $((20 * LAB_SLOW)) "both answer again" both
back_by() { ! steered_around "$@"; }
wait_until $((20 * LAB_SLOW)) "it answers echoes again" back_by dns6 '[2001:db8:2::22]:5353' '[2001:db8:2::2]'
wait_until $((20 * LAB_SLOW)) "it answers datagrams again" back_by dns 192.0.2.22:5353

step "l4 is killed: a flow stays on its backend, though that drains and a new one would go to the other"
rm -f "$LAB_DIR/large"
client curl -sf --local-port 41000 --limit-rate 60M -o "$LAB_DIR/large" "http://$LAB_VIP:8080/large" &
download=$!
target_of_download() { lb "$LAB_TOP/scripts/headgatectl" -o json packet web 192.0.2.2:41000 | jq -er 'select(.chosen_by == "flow_table") | .target'; }
wait_until 10 "l4 knows the flow of the download" target_of_download
target=$(target_of_download)
put_pool web "$(DRAIN=${target%:*} pool_of 8080 tcp "${LAN_BACKENDS[@]}")"
l4=$(pid_of headgate-l4)
kill -9 "$l4"
wait "$download" || fail "the download was cut off: curl ended with $?"
[ "$(pid_of headgate-l4)" != "$l4" ] || fail "headgate-l4 was not killed"
expect_eq "bytes" $((256 << 20)) "$(stat -c %s "$LAB_DIR/large")"
put_pool web "$(pool_of 8080 tcp "${LAN_BACKENDS[@]}")"

step "what can't be forwarded to is refused with the reason"
refused() { api PUT "$1" "$2" | jq -r '.errors[] | "\(.pointer) \(.code)"'; }
expect_eq "a DNS name" "/backends unsupported" \
  "$(refused /v1/namespaces/default/pools/web '{"backends":[{"address":"backend.example.com","port":8080}]}')"
expect_eq "another port" "/backends invalid_value" \
  "$(refused /v1/namespaces/default/pools/web '{"backends":[{"address":"192.0.2.21","port":80}]}')"

step "l4 accounts for every packet: rx = tx + drops"
wait_until 5 "balanced counters of l4" l4_is_balanced
say "ok: $(l4_is_balanced)"
