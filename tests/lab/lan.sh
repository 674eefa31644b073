# SPDX-License-Identifier: Apache-2.0
# The lab's client, uplink and backends as machines of one network: a switch (a bridge in hg-N-client) joins what a
# cable joined before. So a backend can answer a client itself. Sourced after lab.sh.
#
#   hg-N-client: lan 192.0.2.2/24 ══ eth0 ── uplink of hg-N-lb
#                                 ╠═ b1 ─── lan of hg-N-b1  192.0.2.21  2001:db8:2::21
#                                 ╚═ b2 ─── lan of hg-N-b2  192.0.2.22  2001:db8:2::22
# shellcheck shell=bash disable=SC2034

LAN_BACKENDS=(192.0.2.21 192.0.2.22)
LAN_BACKENDS6=(2001:db8:2::21 2001:db8:2::22)

lan_up() {
  local number address
  client ip link add lan type bridge
  client ip link set lan up
  for address in 192.0.2.2/24 2001:db8:2::2/64; do
    client ip addr del "$address" dev eth0
    client ip addr add "$address" dev lan
  done
  client ip link set eth0 master lan
  for number in 1 2; do
    lab_cable "b$number" lan client "b$number"
    client ip link set "b$number" master lan
    in_ns "b$number" ip addr add "192.0.2.2$number/24" dev lan
    in_ns "b$number" ip addr add "2001:db8:2::2$number/64" dev lan
  done
}

# lan_has_vip b1: the addresses that it serves by, without a word to the network about them.
lan_has_vip() {
  in_ns "$1" sysctl -qw net.ipv4.conf.lan.arp_ignore=1 net.ipv4.conf.lan.arp_announce=2
  in_ns "$1" ip addr add "$LAB_VIP/32" dev lo
  in_ns "$1" ip addr add "$LAB_VIP6/128" dev lo
}

# lan_udp_up b1 ADDRESS PORT: answers each datagram with its name and what came. A socket of its own for each address, for
# socat answers by the kernel's choice of addresses where it listens on all.
lan_udp_up() {
  local family=4
  [[ $2 != *:* ]] || family=6
  lab_spawn "$1" "$1-udp-$2" socat -b 65536 "UDP$family-RECVFROM:$3,bind=$(in_url "$2"),fork" "EXEC:$LAB_SOURCE/udp_answer $1"
  wait_until 5 "$1 takes datagrams on $2" lan_listens "$1" "$2" "$3"
}
lan_udp_down() { kill "$(cat "$LAB_DIR/$1-udp-$2.pid")"; }
lan_listens() { in_ns "$1" ss -Hlun "sport = :$3" | grep -qF "$(in_url "$2"):$3"; }

# ask ADDRESS PORT [TEXT]: one datagram from the client and its answer
ask() { client "$LAB_SOURCE/udp_ask" "$1" "$2" "$((5 * LAB_SLOW))" "${3:-question}"; }
