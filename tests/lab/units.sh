#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The units of packaging/ under a real systemd: a Debian of packaging/packages, installed as packaging/README.md says.
# Whatever the order of starts, restarts and kills, other machines reach the API, and nothing runs into its sandbox.
#
#   client: curl ── HTTPS ──► 192.0.2.10:7443 headgate-front ──► 127.0.0.1:7080 headgated     in a booted machine
#                └─ HTTP ───► 192.0.2.10:8000 a replica of headgate-node
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
# shellcheck source=tests/lab/machine.sh
. "$LAB_SOURCE/machine.sh"
lab_scenario openssl
machine_needs
lab_new
lab_network_up
ip -n "hg-$LAB-lb" addr add "$LAB_HOST/24" dev "$LAB_UPLINK" # there is no l4 to have it

FRONT=https://$LAB_HOST:7443
CA=$LAB_DIR/client-ca.pem
front() { client curl -s --max-time 10 --cacert "$CA" -H "Authorization: Bearer $(cat "$LAB_DIR/admin.token")" "$@"; }
serves() { front -f "$FRONT/v1/status"; }
is_active() { [ "$(machine systemctl is-active "$@" | sort -u)" = active ]; }
directory() { machine stat -Lc '%i %u %a' /run/headgate-front; }
restarted() { [ "$(unit "$1" NRestarts)" -ge 1 ]; }
another_headgated() { local pid; pid=$(pid_of headgated) && [ "$pid" != "$1" ]; }
processes() { for unit in "$@"; do echo "$unit $(unit "$unit" MainPID) $(unit "$unit" NRestarts)"; done; }
node_connected() { api GET /v1/status | jq -e '.applied == .revision and ([.nodes[].connected] | all)'; }
# Nothing was refused by a sandbox: neither a system call (SIGSYS), nor a path, nor an address family.
no_denials() {
  local denied
  denied=$(machine journalctl -qb -o cat -u headgated -u headgate-front -u headgate-node |
    grep -E 'status=[0-9]+/SYS|core-dump|not permitted|denied|[Rr]ead-only|not supported|\.service: Failed (to|at step)' || true)
  expect_eq "denied by a sandbox" "" "$denied"
}

step "a machine, installed as packaging/README.md says"
machine_up n1
machine bash -ec "cd /headgate; $(sed -n '/^install /{s/ && sysctl.*//;p}' "$LAB_TOP/packaging/README.md")"
machine systemctl daemon-reload
missing=$(machine bash -c 'ldd /usr/bin/headgate{d,-node,-shard,-l4} | grep "not found"' || true)
expect_eq "libraries that packaging/packages lacks" "" "$missing"
verified=$(machine systemd-analyze verify /lib/systemd/system/headgate{d,-front,-node}.service 2>&1 || true)
expect_eq "what systemd has to say about the units" "" "$verified"

step "the front is started first, and waits for headgated"
machine systemctl enable --now headgate-front 2>/dev/null
wait_until 10 "the front is started again" restarted headgate-front
machine sed -i "s/^HEADGATED_OPTIONS=.*/HEADGATED_OPTIONS=--front 0.0.0.0:7443 --front-name api.lab.example --front-name $LAB_HOST/" /etc/default/headgated
machine systemctl enable --now headgated 2>/dev/null
wait_until 10 "headgated has an authority" lb curl -sf "$LAB_API/v1/ca" -o "$CA"
(umask 077; machine cat /var/lib/headgate/management/admin-token >"$LAB_DIR/admin.token")
wait_until 10 "the front serves" serves
expect_eq "by HTTP/2, verified" "200 2" "$(front -o /dev/null -w '%{http_code} %{http_version}' "$FRONT/v1/status")"

step "the sandbox"
main=$(unit headgated MainPID)
front=$(unit headgate-front MainPID)
user=$(machine stat -c %u "/proc/$main")
expect_eq "one user for both" "$user" "$(machine stat -c %u "/proc/$front")"
expect_at_least "which systemd made" 61184 "$user"
for process in "$main" "$front"; do
  expect_eq "system calls are filtered, no new privileges" "1 2" "$(machine awk '/^(NoNewPrivs|Seccomp):/ { printf "%s%s", s, $2; s = " " }' "/proc/$process/status")"
done
expect_eq "headgated has no capability" 0000000000000000 "$(machine awk '/^CapEff/ { print $2 }' "/proc/$main/status")"
expect_eq "the front one, CAP_NET_BIND_SERVICE" 0000000000000400 "$(machine awk '/^CapEff/ { print $2 }' "/proc/$front/status")"
# within PID COMMAND…: what who has taken over that process could do, even as root where the user is no hindrance.
within() { machine nsenter --target "$1" --mount -- "${@:2}"; }
as_user() { within "$1" setpriv --reuid "$user" --regid "$user" --clear-groups -- "${@:2}"; }
may() { "$@" >/dev/null 2>&1 && echo yes || echo no; }
expect_eq "the front may read its files" yes "$(may as_user "$front" cat /run/headgate-front/secrets.json)"
expect_eq "headgated may read the database's key" yes "$(may as_user "$main" cat /var/lib/headgate/management/headgate.db.key)"
expect_eq "the front may not" no "$(may as_user "$front" cat /var/lib/headgate/management/headgate.db.key)"
expect_eq "nor as headgated sees it" no "$(may as_user "$front" cat "/proc/$main/root/var/lib/headgate/management/headgate.db.key")"
for path in /usr /etc /var/lib; do
  expect_eq "either may write to $path" "no no" "$(may within "$main" touch $path/x) $(may within "$front" touch $path/x)"
done

step "starts and restarts in every order"
before=$(directory)
kept=$(processes headgate-front)
machine systemctl restart headgated
expect_eq "a restart of headgated leaves the directory" "$before" "$(directory)"
wait_until 10 "the API is back" serves
expect_eq "and the front" "$kept" "$(processes headgate-front)"
kept=$(processes headgated)
machine systemctl restart headgate-front
wait_until 10 "the front serves after its restart" serves
expect_eq "which leaves headgated" "$kept" "$(processes headgated)"
expect_eq "and the directory" "$before" "$(directory)"
for order in "headgated headgate-front" "headgate-front headgated"; do
  machine systemctl stop headgated headgate-front
  for unit in $order; do machine systemctl start "$unit"; done
  wait_until 10 "an answer after $order" serves
  expect_eq "both were stopped, then started: $order" yes "$(is_active headgated headgate-front && echo yes)"
done
machine systemctl stop headgated headgate-front
machine bash -c "echo taken:x:$user:$user::/:/bin/false >>/etc/passwd && echo taken:x:$user: >>/etc/group"
machine systemctl start headgate-front headgated
wait_until 10 "an answer by another user number" serves
expect_eq "systemd has found another" yes "$([ "$(machine stat -c %u "/proc/$(unit headgated MainPID)")" != "$user" ] && echo yes)"
machine systemctl stop headgated
expect_match "headgated is stopped: the front says so" '^50[23]$' "$(front -o /dev/null -w '%{http_code}' "$FRONT/v1/status")"
machine systemctl start headgated
wait_until 10 "an answer again" serves

step "headgated is killed"
kept=$(processes headgate-front)
main=$(pid_of headgated)
kill -9 "$main"
killed_ms=$(now_ms)
wait_until 10 "another headgated" another_headgated "$main"
wait_until 10 "an answer" serves
expect_at_most "back after (ms)" $((1000 * LAB_SLOW)) $(($(now_ms) - killed_ms))
expect_eq "the front has gone on" "$kept" "$(processes headgate-front)"
expect_eq "headgated was started once" 1 "$(unit headgated NRestarts)"

step "a node, and a replica"
api_ok PUT /v1/nodes/n1 '{"roles":["worker"]}' >/dev/null
token=$(api_ok POST /v1/nodes/n1/enrolment | jq -r .token)
machine systemctl enable --now headgate-node 2>/dev/null
wait_until 5 "it has made its directory" machine test -d /var/lib/headgate/node
machine bash -c 'umask 077; cat >/var/lib/headgate/node/enrolment-token' <<<"$token"
put() { api_ok PUT "$1?wait=applied&timeout=20s" "$2" >/dev/null; expect_match "$1 applied" '^20[01]$' "$(api_status)"; }
put /v1/shards/edge '{"nodes":{"names":["n1"]}}'
put /v1/listeners/web "{\"address\":\"$LAB_HOST\",\"port\":8000,\"shard\":\"edge\"}"
put /v1/namespaces/default/routes/hello '{"listeners":["web"],"rules":[{"filters":{"direct_response":{"status":200,"body":"from a unit"}}}]}'
answer() { client curl -sf --max-time 2 "http://$LAB_HOST:8000/"; }
expect_eq "another machine gets" "from a unit" "$(answer)"
replica() { machine pgrep -f 'headgate-shard --name edge/'; }
before=$(replica)
expect_match "a replica has a user of its own" '^[1-9][0-9]+ 0+$' "$(machine awk '/^Uid/ { uid = $2 } /^CapEff/ { print uid, $2 }' "/proc/$before/status")"
machine systemctl restart headgate-node
wait_until 10 "headgate-node reports again" node_connected
expect_eq "a restart of headgate-node leaves the replica" "$before" "$(replica)"

step "the machine is restarted"
no_denials
machine_reboot
wait_until 20 "the front serves" serves
wait_until 20 "the replica serves" answer
expect_eq "all units are active" yes "$(is_active headgated headgate-front headgate-node && echo yes)"
no_denials
