#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Listeners that end on a pool, by nat and fullnat: the backends are on a network of their own behind the node, know
# nothing of the VIP and serve on another port than the listener has. By nat they see the client's address and have the
# node as their gateway; by fullnat they see the node's.
#
#   client ──► VIP 192.0.2.100:80 tcp, :53 udp ── l4 ──► b1 10.0.9.21:8080 :5300, b2 10.0.9.22
#          ◄───────────────────────────────────── l4 ◄──
#   192.0.2.2, a neighbour; 203.0.113.9, behind the gateway 192.0.2.2
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
# shellcheck source=tests/lab/lan.sh
. "$LAB_SOURCE/lan.sh"
lab_scenario perl
LAB_LARGE_BYTES=256M
lab_up
lan_up
BACKENDS=(10.0.9.21 10.0.9.22)
BACKENDS6=(fd00:9::21 fd00:9::22)
FAR=203.0.113.9
FAR6=2001:db8:99::9
client ip addr add "$FAR/32" dev lo
client ip addr add "$FAR6/128" dev lo
for number in 1 2; do
  backend=b$number
  in_ns "$backend" ip addr flush dev lan scope global
  in_ns "$backend" ip addr add "10.0.9.2$number/24" dev lan
  in_ns "$backend" ip addr add "fd00:9::2$number/64" dev lan
  in_ns "$backend" ip route add default via 10.0.9.1
  in_ns "$backend" ip -6 route add default via fd00:9::1
  for family in 4 6; do
    lab_spawn "$backend" "$backend-peer$family" socat "UDP$family-RECVFROM:5300,fork$([ "$family" = 4 ] || echo ,ipv6only)" \
      "SYSTEM:cat >/dev/null; echo $backend \$SOCAT_PEERADDR"
    wait_until 5 "$backend answers datagrams" in_ns "$backend" sh -c "ss -Hlun$family 'sport = :5300' | grep -q 5300"
  done
  lan_udp_up "$backend" "10.0.9.2$number" 5353
  lan_udp_up "$backend" "fd00:9::2$number" 5353
done
LAB_HOST_ADDRESSES+=(--host-address 10.0.9.1/24 --host-address fd00:9::1/64)
appliance_headgated_up
appliance_enrol
appliance_node_up

pool_of() { # pool_of PORT TYPE ADDRESS…
  local port=$1 type=$2
  shift 2
  printf '%s\n' "$@" | jq -R --argjson port "$port" '{ address: ., port: $port }' |
    jq -sc --arg type "$type" '{ backends: ., when_all_down: "refuse" }
      + (if $type == "" then {} else { health: { type: $type, interval: "200ms", timeout: "200ms", rise: 1, fall: 3 } } end)'
}
put_pool() { api_ok PUT "/v1/namespaces/default/pools/$1?wait=applied&timeout=20s" "$2" >/dev/null; }
put_listener() { # put_listener NAME ADDRESS PORT PROTOCOL POOL FORWARDING
  api_ok PUT "/v1/listeners/$1?wait=applied&timeout=20s" \
    "{\"address\":\"$2\",\"port\":$3,\"protocol\":\"$4\",\"pool\":\"default/$5\",\"forwarding\":\"$6\"}" >/dev/null
  [ "$(api_status)" != 202 ] || fail "listener $1 was accepted, but not applied within 20 s"
}
for pool in "web 8080 tcp" "peer 5300" "echo 5353"; do
  read -r name port type <<<"$pool"
  put_pool "$name" "$(pool_of "$port" "$type" "${BACKENDS[@]}")"
  put_pool "${name}6" "$(pool_of "$port" "$type" "${BACKENDS6[@]}")"
done
put_listeners() { # put_listeners FORWARDING
  put_listener web "$LAB_VIP" 80 tcp web "$1"
  put_listener web6 "$LAB_VIP6" 80 tcp web6 "$1"
  put_listener peer "$LAB_VIP" 53 udp peer "$1"
  put_listener peer6 "$LAB_VIP6" 53 udp peer6 "$1"
  put_listener echo "$LAB_VIP" 5353 udp echo "$1"
  put_listener echo6 "$LAB_VIP6" 5353 udp echo6 "$1"
}

page() { client curl -sf --max-time 5 ${2:+--interface "$2"} "http://$(in_url "$1")/"; }
who() { for _ in {1..20}; do "$@"; echo; done | cut -d" " -f1 | sed "/^$/d" | sort -u | tr '\n' ' '; }
peer() { client "$LAB_SOURCE/udp_ask" "$1" 53 "$((5 * LAB_SLOW))" x | cut -d" " -f2; }
samples() { api GET /v1/stats | jq -r "[.nodes[].processes[] | select(.process == \"l4\") | .samples[] | select($1) | .value] | add // 0"; }
large=$(head -c 4000 /dev/zero | tr '\0' x)
put_listeners nat
lb ip route add "$FAR/32" via 192.0.2.2
lb ip -6 route add "$FAR6/128" via 2001:db8:2::2

for forwarding in nat fullnat; do
  put_listeners "$forwarding"
  step "$forwarding: TCP and UDP, IPv4 and IPv6, both backends, clients near and far"
  for address in "$LAB_VIP" "$LAB_VIP6"; do
    far=$FAR
    [[ $address != *:* ]] || far=$FAR6
    expect_eq "who answers on $address by TCP" "b1 b2 " "$(who page "$address")"
    expect_eq "who answers $far" "b1 b2 " "$(who page "$address" "$far")"
    expect_eq "who answers on $address by UDP" "b1 b2 " "$(who ask "$address" 5353)"
    expect_eq "bytes of an answer in fragments" 4003 "$(ask "$address" 5353 "$large" | wc -c)"
  done
  if [ "$forwarding" = nat ]; then
    expect_eq "whom backends see" "192.0.2.2" "$(peer "$LAB_VIP")"
    expect_match "and by IPv6" '2001:0?db8:0?0?0?2' "$(peer "$LAB_VIP6")"
  else
    expect_eq "whom backends see" "10.0.9.1" "$(peer "$LAB_VIP")"
    expect_match "and by IPv6" 'f?d00:0?0?0?9' "$(peer "$LAB_VIP6")"
  fi

  step "$forwarding: l4 is killed under a download, and backends come and go"
  rm -f "$LAB_DIR/large"
  client curl -sf --limit-rate 60M -o "$LAB_DIR/large" "http://$LAB_VIP/large" &
  download=$!
  l4=$(pid_of headgate-l4)
  begun() { [ "$(stat -c %s "$LAB_DIR/large" 2>/dev/null || echo 0)" -gt 1000000 ]; }
  wait_until 10 "the download has begun" begun
  for address in "${BACKENDS[@]}"; do put_pool web "$(pool_of 8080 tcp "$address")"; done
  put_pool web "$(pool_of 8080 tcp "${BACKENDS[@]}")"
  kill -9 "$l4"
  wait "$download" || fail "the download was cut off: curl ended with $?"
  [ "$(pid_of headgate-l4)" != "$l4" ] || fail "headgate-l4 was not killed"
  expect_eq "bytes" $((256 << 20)) "$(stat -c %s "$LAB_DIR/large")"
done

step "a backend that is down refuses, and the client hears of it at once"
put_pool none "$(pool_of 9 "" "${BACKENDS[0]}")"
put_listener none "$LAB_VIP" 9 tcp none nat
expect_eq "curl's status (7: refused)" 7 "$(client curl -s --max-time 5 "http://$LAB_VIP:9/" >/dev/null || echo $?)"
put_listener none "$LAB_VIP" 9 udp none fullnat
expect_eq "ICMP port unreachable reaches a datagram's sender" 1 "$(client bash -c "exec 3<>/dev/udp/$LAB_VIP/9; echo x >&3; read -rt 2 -u 3" 2>&1 | grep -c refused)"

step "a backend is of one listener by nat, and of many by fullnat"
put_listener web "$LAB_VIP" 80 tcp web nat
again() { api PUT /v1/listeners/again "{\"address\":\"$LAB_VIP\",\"port\":81,\"protocol\":\"tcp\",\"pool\":\"default/web\",\"forwarding\":\"$1\"}"; }
expect_match "by nat" 'use fullnat, or another port' "$(again nat | jq -r '.errors[0].detail')"
again fullnat >/dev/null
expect_eq "by fullnat" 200 "$(api_status | sed 's/201/200/')"
both_by_81() { [ "$(for _ in {1..20}; do client curl -sf --max-time 5 "http://$LAB_VIP:81/"; done | sort -u | wc -l)" = 2 ]; }
wait_until 10 "the second listener answers" both_by_81

step "a backend that drains keeps its flows for drain_timeout and no longer"
client curl -s --limit-rate 2M -o "$LAB_DIR/large" "http://$LAB_VIP:81/large" &
download=$!
held_by() { in_ns "$1" ss -Htn state established 'sport = :8080' | grep -q 10.0.9.1; }
held() { held_by b1 || held_by b2; }
wait_until 10 "a backend has the connection" held
drained=${BACKENDS[0]}
held_by b1 || drained=${BACKENDS[1]}
put_pool web "$(pool_of 8080 tcp "${BACKENDS[@]}" | jq -c --arg drain "$drained" '.drain_timeout = "1500ms" | (.backends[] | select(.address == $drain)).drain = true')"
kill -0 "$download" 2>/dev/null || fail "the flow ended before its backend's time was over"
status=0
wait "$download" || status=$?
expect_eq "curl's status (56: reset)" 56 "$status"
expect_eq "new requests" 1 "$(for _ in {1..10}; do client curl -sf --max-time 5 "http://$LAB_VIP:81/"; done | sort -u | wc -l)"

step "l4 accounts for every packet: rx = tx + drops"
wait_until 5 "balanced counters of l4" l4_is_balanced
say "ok: $(l4_is_balanced)"
