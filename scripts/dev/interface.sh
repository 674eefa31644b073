# SPDX-License-Identifier: Apache-2.0
# scripts/run --interface: the lab's functions on a real interface of this machine instead of namespaces. Sourced by
# scripts/run after tests/lab/lab.sh, some of whose functions it replaces. The backends are nginx on the machine's
# own loopback; what was changed on the machine is put back by lab_down.
# shellcheck shell=bash disable=SC2034

lab_enter() { echo env; }    # everything runs right here
appliance_relay_up() { :; }  # headgated is on this machine's own 127.0.0.1

interface_check() {  # interface_check IFACE CIDR: says why not, and exits
  local iface=$1 cidr=$2 local_address
  [ -d "/sys/class/net/$iface" ] || die "there is no interface $iface; there are: $(cd /sys/class/net && echo ./* | sed 's|\./||g')"
  [[ $cidr =~ ^[0-9a-fA-F:.]+/[0-9]+$ ]] || die "--address takes an address with its prefix length: 192.0.2.100/24"
  if ip -o -4 route show default | grep -qw "dev $iface" || ip -o -6 route show default | grep -qw "dev $iface"; then
    die "$iface carries this machine's default route; the fast path would take it away. Use another interface"
  fi
  while read -r local_address; do
    ip -o addr show dev "$iface" | grep -qwF "inet ${local_address%%%*}" && die "$iface carries an ssh session ($local_address). Use another interface"
  done < <(ss -Htn state established '( sport = :22 )' | awk '{ sub(/:[0-9]+$/, "", $3); gsub(/[][]/, "", $3); print $3 }')
  local_address=$(ip -o addr show dev "$iface" scope global | awk '{ print $4 }' | tr '\n' ' ')
  [ -z "$local_address" ] || die "$iface has addresses ($local_address), which the fast path would make unreachable; remove them first: ip addr flush dev $iface"
  if [ -d /sys/class/net/hg0 ]; then
    die "this machine has an hg0 already, of $(pgrep -a headgate-node | head -1 | grep . || echo 'a Headgate that has ended: ip link del hg0')"
  fi
}

interface_up() {  # interface_up IFACE CIDR
  INTERFACE=$1
  LAB_OWNER=$$ lab_new
  {
    echo "sysctl -qw net.ipv6.conf.$1.disable_ipv6=$(sysctl -n "net.ipv6.conf.$1.disable_ipv6")"
    echo "sysctl -qw net.ipv4.conf.$1.rp_filter=$(sysctl -n "net.ipv4.conf.$1.rp_filter")"
    ip -o link show dev "$1" | grep -q PROMISC || echo "ip link set $1 promisc off"
  } >"$LAB_DIR/restore"
  LAB_UPLINK=$1
  LAB_HOST_ADDRESSES=(--host-address "$2")
  LAB_VIP=${2%/*}
  LAB_VIP6=
  LAB_BACKENDS=(127.0.0.1:18081 127.0.0.1:18082)
  local number
  ! ss -Hltn 'sport = :7080' | grep -q . || die "port 7080, for the API, is taken: $(ss -Hltnp 'sport = :7080' | awk '{ print $6 }')"
  for number in 1 2; do
    ! ss -Hltn "sport = :1808$number" | grep -q . || die "port 1808$number, for a backend, is taken: $(ss -Hltnp "sport = :1808$number" | awk '{ print $6 }')"
    LAB_BACKEND_PORT=1808$number LAB_BACKEND_STATUS_PORT=1809$number lab_backend_up "b$number"
  done
}

lab_down() {
  [ -n "$LAB" ] || return 0
  local name pid
  for name in headgate-node headgated relay relay-host b1 b2; do
    pid=$(cat "$LAB_DIR/$name.pid" 2>/dev/null) || continue
    kill "$pid" 2>/dev/null || true
    for _ in {1..100}; do
      [ -d "/proc/$pid" ] || break
      sleep 0.02
    done
  done
  # headgate-l4 and the replicas outlive headgate-node by design: their control sockets say who they are.
  ss -Hxlp src "$LAB_DIR/run/*" 2>/dev/null | grep -oE 'pid=[0-9]+' | cut -d= -f2 | sort -u | xargs -r kill -9 2>/dev/null || true
  if [ -n "${INTERFACE:-}" ]; then
    ip link set "$INTERFACE" xdp off 2>/dev/null || true
    ip link del hg0 2>/dev/null || true
    ip addr del 198.19.255.1/32 dev lo 2>/dev/null || true
    ip -6 addr del fd68:6764:7465::1/128 dev lo 2>/dev/null || true
    bash "$LAB_DIR/restore" 2>/dev/null || true
  fi
  hugepages_give_back "$LAB_DIR/hugepages"
  rm -rf "$LAB_DIR"
  rmdir "$LAB_ROOT" 2>/dev/null || true
  LAB=
}
