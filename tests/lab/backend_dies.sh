#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One of two backends is killed under load: at most the requests that were in flight on it fail; after its health
# check has fallen none does. It comes back and gets its share again. With both gone: 503, and soon.
#
#   client ══ 64 connections ══► VIP ── l4 ──► replica ══► b1  (killed)
#                                                     └══► b2
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_scenario h2load
lab_up
appliance_up

backend_is() {  # backend_is ADDRESS up|down, in the node's view
  api GET /v1/status | jq -e --arg address "$1" --argjson usable "$([ "$2" = up ] && echo true || echo false)" '
    [.nodes[].health[] | select(.member | startswith($address)) | .endpoints[].usable] | length > 0 and all(. == $usable)'
}
wait_until 10 "b1's health check says up" backend_is 10.77.1.2 up

step "b1 dies under load"
load_start "$LAB_VIP" $((LAB_REQUESTS / 2))
share() { [ "$(lab_backend_requests b1)" -gt $((LAB_REQUESTS / 20)) ]; }
wait_until 30 "b1 has answered a part" share
lab_backend_down b1
load_wait
expect_at_most "failed requests, of those in flight" "$LAB_CONNECTIONS" "$LOAD_FAILED"

step "once its health check has fallen"
wait_until 10 "b1 is down in status" backend_is 10.77.1.2 down
load "$LAB_VIP" $((LAB_REQUESTS / 10))
expect_eq "failed requests" 0 "$LOAD_FAILED"

step "both are down"
lab_backend_down b2
wait_until 10 "b2 is down in status" backend_is 10.77.2.2 down
expect_eq "status" 503 "$(client curl -s -o /dev/null --max-time 5 -w '%{http_code}' -H "Host: $LAB_HOSTNAME" "http://$LAB_VIP/")"

step "they come back"
lab_backend_up b1
lab_backend_up b2
wait_until 10 "b1 is up in status" backend_is 10.77.1.2 up
wait_until 10 "b2 is up in status" backend_is 10.77.2.2 up
load "$LAB_VIP" $((LAB_REQUESTS / 10))
expect_eq "failed requests" 0 "$LOAD_FAILED"
expect_at_least "b1's share" $((LAB_REQUESTS * 4 / 100)) "$(lab_backend_requests b1)"
