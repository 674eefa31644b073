# SPDX-License-Identifier: Apache-2.0
# The lab: network namespaces with all of Headgate in one of them. Sourced by the scenarios, scripts/run and
# scripts/dev/lab. Nothing of it touches the host's own network; several can be up at once, told apart by a number.
#
#   hg-N-client                         hg-N-lb                                       hg-N-b1
#   ┌─────────────────────┐  veth  ┌───────────────────────────────────────┐  veth  ┌────────────────────────┐
#   │ eth0                ├────────┤ uplink (no address: l4's)             ├────────┤ eth0  10.77.1.2        │
#   │ 192.0.2.2/24        │        │   │ headgate-l4                       │        │       fd77:1::2        │
#   │ 2001:db8:2::2/64    │        │ hg0   192.0.2.10     2001:db8:2::10   │        │ nginx :8080 says "b1"  │
#   └─────────────────────┘        │   VIP 192.0.2.100    2001:db8:2::100  │        └────────────────────────┘
#                                  │ b1    10.77.1.1/24   fd77:1::1/64     │           hg-N-b2
#                                  │ b2    10.77.2.1/24   fd77:2::1/64     ├────────  the same with 2, "b2"
#                                  │ headgated 127.0.0.1:7080, node, shard │
#                                  └───────────────────────────────────────┘
# shellcheck shell=bash

LAB_SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LAB_TOP=$(cd "$LAB_SOURCE/../.." && pwd)
LAB_ROOT=/run/headgate-lab
LAB_BIN=${HEADGATE_BIN_DIR:-$LAB_TOP/build/release/bin}
LAB_VIP=192.0.2.100
LAB_VIP6=2001:db8:2::100
LAB_HOST=192.0.2.10
LAB_HOST6=2001:db8:2::10
LAB_UPLINK=uplink
LAB_HOST_ADDRESSES=(--host-address "$LAB_HOST/24" --host-address "$LAB_HOST6/64")
LAB_BACKENDS=(10.77.1.2:8080 10.77.2.2:8080)
LAB= # this lab's number, once lab_new has run
LAB_DIR=

# shellcheck source=tests/lab/expect.sh
. "$LAB_SOURCE/expect.sh"
# shellcheck source=tests/lab/hugepages.sh
. "$LAB_SOURCE/hugepages.sh"
# shellcheck source=tests/lab/appliance.sh
. "$LAB_SOURCE/appliance.sh"
# shellcheck source=tests/lab/load.sh
. "$LAB_SOURCE/load.sh"

lab_needs() {  # lab_needs PROGRAM…: skips where the lab can't run at all
  [ "$(id -u)" = 0 ] || skip "the lab makes network namespaces and needs root: sudo $0"
  local program
  for program in ip nginx curl jq socat "$@"; do
    command -v "$program" >/dev/null || skip "$program is not installed; sudo scripts/dev/install lab"
  done
}

lab_enter() { echo "ip netns exec hg-$LAB-$1"; } # what stands before a command to run it in a namespace
in_ns() {
  local enter
  enter=$(lab_enter "$1")
  shift
  $enter "$@"
}
client() { in_ns client "$@"; }
lb() { in_ns lb "$@"; }

# Takes the lowest free number; labs whose owner has died without cleaning up are cleaned up first.
lab_new() {
  local number dir owner
  for dir in "$LAB_ROOT"/*/; do
    owner=$(cat "$dir/owner" 2>/dev/null) || continue
    [ "$owner" = hand ] || [ -d "/proc/$owner" ] || lab_down "$(basename "$dir")"
  done
  for number in {1..99}; do
    mkdir -p "$LAB_ROOT"
    mkdir "$LAB_ROOT/$number" 2>/dev/null || continue
    lab_use "$number"
    echo "${LAB_OWNER:-$$}" >"$LAB_DIR/owner"
    return
  done
  fail "99 labs are up; scripts/dev/lab list shows them"
}

lab_use() {
  LAB=$1
  LAB_DIR=$LAB_ROOT/$1
}

lab_network_up() {
  local ns number
  for ns in client lb b1 b2; do
    ip netns add "hg-$LAB-$ns"
    # Addresses are usable at once: nobody else is there to have the same one.
    in_ns "$ns" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
    ip -n "hg-$LAB-$ns" link set lo up
  done
  lab_cable client eth0 lb uplink
  ip -n "hg-$LAB-client" addr add 192.0.2.2/24 dev eth0
  ip -n "hg-$LAB-client" addr add 2001:db8:2::2/64 dev eth0
  for number in 1 2; do
    lab_cable "b$number" eth0 lb "b$number"
    ip -n "hg-$LAB-b$number" addr add "10.77.$number.2/24" dev eth0
    ip -n "hg-$LAB-b$number" addr add "fd77:$number::2/64" dev eth0
    ip -n "hg-$LAB-lb" addr add "10.77.$number.1/24" dev "b$number"
    ip -n "hg-$LAB-lb" addr add "fd77:$number::1/64" dev "b$number"
  done
}

lab_cable() {  # lab_cable NS IFACE NS IFACE
  ip -n "hg-$LAB-$1" link add "$2" type veth peer name "$4" netns "hg-$LAB-$3"
  ip -n "hg-$LAB-$1" link set "$2" up
  ip -n "hg-$LAB-$3" link set "$4" up
}

# lab_spawn NS NAME COMMAND…: in the background, apart from the terminal's Ctrl-C; its output goes to NAME.log.
lab_spawn() {
  local enter name=$2
  enter=$(lab_enter "$1")
  shift 2
  # shellcheck disable=SC2086
  setsid $enter "$@" >>"$LAB_DIR/$name.log" 2>&1 </dev/null &
  echo $! >"$LAB_DIR/$name.pid"
  disown
}

lab_backend_up() {  # lab_backend_up b1|b2
  mkdir -p "$LAB_DIR/$1/www"
  truncate -s "${LAB_LARGE_BYTES:-10G}" "$LAB_DIR/$1/www/large" # sparse: takes no room
  local port=${LAB_BACKEND_PORT:-8080}
  sed "s|@NAME@|$1|g; s|@DIR@|$LAB_DIR/$1|g; s|@PORT@|$port|g; s|@STATUS_PORT@|${LAB_BACKEND_STATUS_PORT:-8081}|g" "$LAB_SOURCE/backend.conf" >"$LAB_DIR/$1/nginx.conf"
  lab_spawn "$1" "$1" nginx -c "$LAB_DIR/$1/nginx.conf" -e stderr
  wait_until 5 "$1's nginx listens" in_ns "$1" curl -sf "http://127.0.0.1:$port/"
}
lab_backend_down() { ip netns pids "hg-$LAB-$1" | xargs -r kill -9; }

# lab_backend_requests b1: how many requests it has answered since it started
lab_backend_requests() {
  in_ns "$1" curl -s http://127.0.0.1:8081/ | awk 'seen { print $3; exit } /requests/ { seen = 1 }'
}

lab_up() {  # namespaces and backends
  lab_new
  lab_network_up
  lab_backend_up b1
  lab_backend_up b2
}

# Ends every process of the lab's namespaces, then the namespaces, which takes their interfaces along.
lab_down() {
  [ -z "${1:-}" ] || lab_use "$1"
  [ -n "$LAB" ] || return 0
  local ns pids
  for ns in lb client b1 b2; do
    while pids=$(ip netns pids "hg-$LAB-$ns" 2>/dev/null) && [ -n "$pids" ]; do
      # shellcheck disable=SC2086
      kill -9 $pids 2>/dev/null || true
      sleep 0.02
    done
    ip netns del "hg-$LAB-$ns" 2>/dev/null || true
  done
  [ ! -e "$LAB_DIR/relay-host.pid" ] || kill "$(cat "$LAB_DIR/relay-host.pid")" 2>/dev/null || true
  hugepages_give_back "$LAB_DIR/hugepages"
  rm -rf "$LAB_DIR"
  rmdir "$LAB_ROOT" 2>/dev/null || true # the last one
  LAB=
}

# Shows what went wrong before everything is taken down.
lab_end() {
  local status=$?
  trap - EXIT
  set +e
  if [ -n "$LAB" ] && [[ $status != @(0|77|130) ]]; then
    for log in "$LAB_DIR"/*.log "$LAB_DIR"/log/*.log; do
      [ ! -s "$log" ] || { printf -- '--- the end of %s\n' "$(basename "$log")"; tail -n "${LAB_LOG_LINES:-25}" "$log"; }
    done >&2
  fi
  lab_down
  exit "$status"
}

# lab_scenario PROGRAM…: what each scenario starts with.
lab_scenario() {
  set -euo pipefail
  lab_needs "$@"
  trap lab_end EXIT
  trap 'exit 130' INT TERM HUP
}
