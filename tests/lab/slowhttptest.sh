#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# slowhttptest's four ways, each with curl beside it, of which no request may fail: slow heads and slow bodies are ended
# at their deadlines, slow readers and overlapping ranges hold nobody else up.
#
#   client ─┬─ slowhttptest ──────► VIP ── replica ─┬─► b1, b2
#           └─ curl, again and again               └─► b2: tests/lab/echo_backend, for bodies
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
export LAB_LARGE_BYTES=50M
lab_scenario slowhttptest
# shellcheck disable=SC2034 # appliance.sh reads it
LAB_SHARD='{"timeouts":{"header":"2s","body":"2s"}}'
lab_up
appliance_up
# slowhttptest asks for the address, so a route without a hostname answers; bodies go to a backend that waits for them.
lab_spawn b2 echo "$LAB_SOURCE/echo_backend" 8084
api_ok PUT /v1/namespaces/default/pools/echo '{"backends":[{"address":"10.77.2.2","port":8084}]}' >/dev/null
api_ok PUT '/v1/namespaces/default/routes/any?wait=applied&timeout=20s' \
  '{"listeners":["web"],"rules":[{"matches":[{"path":{"value":"/upload"}}],"forward":[{"pool":"echo"}]},{"forward":[{"pool":"app"}]}]}' >/dev/null
wait_until 10 "the backend that reads bodies" client curl -sf -d body "http://$LAB_VIP/upload"
expect_eq "a large answer is to be had" 206 "$(client curl -s -o /dev/null -w '%{http_code}' -r 0-9 "http://$LAB_VIP/large")"
replica=$(pid_of headgate-shard)

slow() {  # slow WHAT CONNECTIONS SECONDS SLOWHTTPTEST-ARGUMENT…
  step "$1"
  local asked=0 failed=0 rows=$LAB_DIR/slow.csv
  rm -f "$rows"
  client slowhttptest -c "$2" -r "$2" -l "$3" -p 2 -g -o "$LAB_DIR/slow" "${@:4}" >"$LAB_DIR/slowhttptest.log" 2>&1 &
  local pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    asked=$((asked + 1))
    get "http://$LAB_VIP/" >/dev/null || failed=$((failed + 1))
  done
  wait "$pid" || fail "slowhttptest ended with $?: $(tail -n 3 "$LAB_DIR/slowhttptest.log")"
  expect_at_least "curl's requests meanwhile" 10 "$asked"
  expect_eq "of which failed" 0 "$failed"
  # Seconds, Closed, Pending, Connected, Service Available: its own probe says the last, 0 where it got no answer.
  expect_eq "seconds in which its own probe got no answer" 0 "$(awk -F, 'NR > 2 && $5 == 0' "$rows" | wc -l)"
  expect_eq "the replica has lived through it" "$replica" "$(pid_of headgate-shard)"
}
expect_all_ended() { expect_match "all of them were ended at their deadline" 'No open connections left' "$(cat "$LAB_DIR/slowhttptest.log")"; }
slow "slow heads, a field a second" 200 $((20 * LAB_SLOW)) -H -i 1 -u "http://$LAB_VIP/"
expect_all_ended
slow "slow bodies, some bytes now and then" 200 $((20 * LAB_SLOW)) -B -i 5 -s 100000 -u "http://$LAB_VIP/upload"
expect_all_ended
slow "slow bodies, some bytes a second" 200 $((20 * LAB_SLOW)) -B -i 1 -x 10 -s 100000 -u "http://$LAB_VIP/upload"
expect_all_ended
slow "slow readers of 50 MB, 5 bytes a second" 100 $((8 * LAB_SLOW)) -X -w 1 -y 512 -n 1 -z 5 -u "http://$LAB_VIP/large"
slow "overlapping ranges by the thousand" 100 $((8 * LAB_SLOW)) -R -a 5 -b 2000 -t HEAD -u "http://$LAB_VIP/large"
