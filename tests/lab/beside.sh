#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is not load-balanced crosses between uplink and hg0 untouched: ping (of hg0's address and of the VIP), a TCP
# service of the machine itself, ARP and neighbour discovery, UDP; and a closed port is refused by the kernel.
#
#   client ──► hg0 192.0.2.10, 2001:db8:2::10 ── kernel: ping, tcp 2222, udp 5353
#          ──► VIP 192.0.2.100: ping; port 80 is l4's
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_scenario
lab_up
appliance_up

step "ping"
for address in "$LAB_HOST" "$LAB_VIP" "$LAB_HOST6" "$LAB_VIP6"; do
  expect_match "ping of $address loses nothing" ' 0% packet loss' "$(client ping -n -c 5 -i 0.1 -W 2 "$address")"
done
expect_match "a ping of 1472 bytes" ' 0% packet loss' "$(client ping -n -c 3 -i 0.1 -W 2 -s 1472 -M "do" "$LAB_HOST")"

step "a TCP service of the machine, on hg0's own addresses"
lab_spawn lb tcp-service socat TCP6-LISTEN:2222,ipv6only=0,fork,reuseaddr 'SYSTEM:cat; echo from the machine'
wait_until 5 "the service listens" lb sh -c "ss -Hltn 'sport = :2222' | grep -q ."
for address in "$LAB_HOST" "[$LAB_HOST6]"; do
  expect_eq "an echo through $address" "hello from the machine" "$(printf 'hello ' | client socat -t 5 - "TCP:$address:2222")"
done
head -c 20000000 /dev/zero >"$LAB_DIR/zeros"
expect_eq "20 MB there and back" "$(($(stat -c %s "$LAB_DIR/zeros") + 17))" "$(client socat -t 20 - "TCP:$LAB_HOST:2222" <"$LAB_DIR/zeros" | wc -c)"

step "UDP"
lab_spawn lb udp-service socat UDP-RECVFROM:5353,fork 'SYSTEM:cat'
wait_until 5 "the UDP service listens" lb sh -c "ss -Hlun 'sport = :5353' | grep -q ."
expect_eq "an echo" "datagram" "$(printf datagram | client socat -t 2 - "UDP:$LAB_HOST:5353")"

step "a closed port"
refused=$(client socat -u OPEN:/dev/null "TCP:$LAB_HOST:2223,connect-timeout=2" 2>&1 || true)
expect_match "is refused by the machine, at once" 'Connection refused' "$refused"
expect_match "the balanced port still serves" '^b[12]$' "$(get "http://$LAB_VIP/")"
