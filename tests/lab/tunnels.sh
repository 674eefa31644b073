#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Listeners that end on a pool, through tunnels: l4 puts each packet whole into VXLAN, IP in IP or GUE to the backend's
# address; the backend takes it out and answers the client itself. VXLAN ends in the kernel's own device; for the others,
# which not every kernel has, tests/lab/tunnel_end is the end.
#
#   client ──► VIP 192.0.2.100:8080 ── l4 ══ from 192.0.2.10 ══► b1 192.0.2.21, b2 192.0.2.22
#          ◄──────────────────────────────────────────────────── from the VIP
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
# shellcheck source=tests/lab/lan.sh
. "$LAB_SOURCE/lan.sh"
lab_scenario perl
lab_up
lan_up
DEVICE_MAC=02:00:00:00:00:07
for number in 1 2; do
  backend=b$number
  lan_has_vip "$backend"
  # What comes out of a tunnel has no address of its own to be checked against.
  in_ns "$backend" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
  in_ns "$backend" ip link add vx7 address "$DEVICE_MAC" type vxlan id 7 dstport 4789 local "192.0.2.2$number" dev lan
  in_ns "$backend" ip link set vx7 up
  lab_spawn "$backend" "$backend-ipip" "$LAB_SOURCE/tunnel_end" ipip tun0
  lab_spawn "$backend" "$backend-gue" "$LAB_SOURCE/tunnel_end" gue tun1
  lab_spawn "$backend" "$backend-swallow" "$LAB_SOURCE/swallow" 8090
  for device in tun0 tun1; do wait_until 5 "$backend has $device" in_ns "$backend" ip link show "$device"; done
done
appliance_headgated_up
appliance_enrol
appliance_node_up

for port in 8080 8090; do
  api_ok PUT "/v1/namespaces/default/pools/p$port" \
    "{\"backends\":[{\"address\":\"${LAN_BACKENDS[0]}\",\"port\":$port},{\"address\":\"${LAN_BACKENDS[1]}\",\"port\":$port}]}" >/dev/null
done
put_listener() { # put_listener NAME ADDRESS PORT FORWARDING
  local more=
  [ "$4" != vxlan ] || more=",\"vxlan\":{\"vni\":7,\"mac\":\"$DEVICE_MAC\"}"
  api_ok PUT "/v1/listeners/$1?wait=applied&timeout=20s" \
    "{\"address\":\"$2\",\"port\":$3,\"protocol\":\"tcp\",\"pool\":\"default/p$3\",\"forwarding\":\"$4\"$more}" >/dev/null
  [ "$(api_status)" != 202 ] || fail "listener $1 was accepted, but not applied within 20 s"
}
who() { for _ in {1..20}; do client curl -sf --max-time 5 "http://$(in_url "$1"):8080/"; done | sort -u | tr '\n' ' '; }
came_by() { in_ns b1 cat "/sys/class/net/$1/statistics/rx_packets"; }
upload() { client curl -sf --max-time 20 -H 'Expect:' --data-binary @"$LAB_DIR/upload" "http://$LAB_VIP:8090/"; }
head -c 3000000 /dev/zero >"$LAB_DIR/upload"

for tunnel in vxlan:vx7 ipip:tun0 gue:tun1; do
  forwarding=${tunnel%:*}
  step "$forwarding"
  put_listener web "$LAB_VIP" 8080 "$forwarding"
  put_listener uploads "$LAB_VIP" 8090 "$forwarding"
  before=$(came_by "${tunnel#*:}")
  expect_eq "who answers" "b1 b2 " "$(who "$LAB_VIP")"
  expect_at_least "packets out of b1's ${tunnel#*:}" 20 $(($(came_by "${tunnel#*:}") - before))
  client ip route flush cache
  expect_match "3 MB upwards, whose packets a tunnel makes too big at first" '3000000' "$(upload)"
done

step "what the client was told, and IPv6 carried by IPv4"
expect_match "the longest packet that fits into a tunnel" 'mtu 14[0-9][0-9]' "$(client ip route get "$LAB_VIP")"
put_listener web6 "$LAB_VIP6" 8080 vxlan
expect_eq "who answers" "b1 b2 " "$(who "$LAB_VIP6")"

step "l4 accounts for every packet: rx = tx + drops"
wait_until 5 "balanced counters of l4" l4_is_balanced
say "ok: $(l4_is_balanced)"
