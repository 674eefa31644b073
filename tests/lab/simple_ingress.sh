#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Simple ingress (DESIGN §1): REST -> SQLite -> delta -> headgate-node -> headgate-l4 -> replica -> backend -> client.
#
#   client 192.0.2.2 ──► VIP 192.0.2.100:80 ── l4 ──► replica of shard "edge" ──► b1 10.77.1.2:8080
#          2001:db8:2::2 ► 2001:db8:2::100:80                                └──► b2 10.77.2.2:8080
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_scenario tcpdump
LAB_SHARD='{"access_log":{"to":"file"}}'
lab_up
appliance_up

step "both backends answer, over IPv4 and IPv6"
for address in "$LAB_VIP" "$LAB_VIP6"; do
  answers=$(for _ in {1..10}; do get "http://$(in_url "$address")/"; done | sort -u | tr '\n' ' ')
  expect_eq "who answers on $address" "b1 b2 " "$answers"
done

step "the backend sees the client"
seen=$(get "http://$LAB_VIP/seen" -H 'X-Forwarded-For: 203.0.113.66')
expect_match "X-Forwarded-For is the client's address, not what it claims" ' for=192\.0\.2\.2 ' "$seen"
expect_match "X-Forwarded-Proto" ' proto=http ' "$seen"
expect_match "X-Request-Id" ' id=.+' "$seen"
expect_match "X-Forwarded-For over IPv6" ' for=2001:db8:2::2 ' "$(get "http://[$LAB_VIP6]/seen")"

step "what no route serves"
expect_eq "another hostname" 404 "$(client curl -s -o /dev/null -w '%{http_code}' -H 'Host: other.example.com' "http://$LAB_VIP/")"
expect_eq "no Host at all" 400 "$(printf 'GET / HTTP/1.1\r\n\r\n' | client socat -t 2 - "TCP:$LAB_VIP:80" | head -n 1 | cut -d' ' -f2)"

step "the access log: one JSON line a request, with the listener that clients reached"
logged() { jq -es '[.[] | select(.listener == "web" and .host == "other.example.com" and .status == 404)] | length == 1' "$LAB_DIR"/log/edge/0/*; }
wait_until 5 "the 404 is logged" logged
say "$(tail -n 1 "$LAB_DIR"/log/edge/0/*)"

step "metrics tell requests by their way, and a histogram how long they took"
metrics() { api GET /metrics | grep '^headgate_shard_route_request' >"$LAB_DIR/metrics"; }
counted() { metrics && grep -q "$1" "$LAB_DIR/metrics"; }
# Over IPv4: ten of who answers, one for /seen, and the first.
wait_until 10 "the route's requests are counted" counted 'requests_total{.*listener="web",route="default/app",pool="default/app",code="2xx"} 1[2-9]$'
wait_until 5 "the 404 is of no route" counted 'requests_total{.*listener="web",route="",pool="",code="4xx"} [1-9]'
expect_match "durations as a histogram" 'duration_seconds_bucket\{.*route="default/app",pool="default/app",le="\+Inf"} 1[2-9]' \
  "$(cat "$LAB_DIR/metrics")"

step "status says what runs and what is applied"
api GET /v1/status >"$LAB_DIR/status.json"
expect_eq "processes that run" "l4 shard/edge/0" "$(jq -r '[.nodes[].processes[] | select(.state == "running") | .process] | sort | join(" ")' "$LAB_DIR/status.json")"
expect_eq "applied is the revision" true "$(jq '.applied == .revision' "$LAB_DIR/status.json")"

step "explain: a live replica says what it would do"
export HEADGATE_API=$LAB_API HEADGATE_TOKEN_FILE=$LAB_DIR/admin.token
explained=$(lb "$LAB_TOP/scripts/headgatectl" explain web "http://$LAB_HOSTNAME/x/../y?q=1" 'X-A: 1')
say "$explained"
expect_match "the path as it is routed" '^path: /y$' "$explained"
expect_match "the rule" '^rule: default/app/' "$explained"
expect_match "a backend" '10\.77\.1\.2:8080$' "$explained"
expect_match "what is not served" 'no_rule, 404' "$(lb "$LAB_TOP/scripts/headgatectl" explain web other.example.com/)"

step "capture: a request and its answer, on both sides of l4"
web() { get "http://$LAB_VIP/"; }
appliance_capture web web -- --count 30 --seconds 30 --snap-bytes 2Ki --filter 'host 192.0.2.2'
captured=$(capture_read web)
expect_match "the request" 'GET / HTTP/1\.1' "$captured"
expect_match "its answer" 'HTTP/1\.1 200 OK' "$captured"
expect_match "as received" ' 192\.0\.2\.2\.[0-9]+ > 192\.0\.2\.100\.80: Flags \[S\]' "$captured"
expect_match "as sent to the replica" ' 192\.0\.2\.2\.[0-9]+ > 198\.19\.[0-9.]+: Flags \[S\]' "$captured"
expect_match "its answer as sent" ' 192\.0\.2\.100\.80 > 192\.0\.2\.2\.[0-9]+: Flags \[S\.\]' "$captured"
expect_match "verdicts" '^to edge/0 by local$' "$(capture_comments web)"
expect_match "and of the answer" '^from edge/0 by local$' "$(capture_comments web)"
expect_match "how it ended" '30 packets on n1, .* 0 more lost; ended by count' "$(cat "$LAB_DIR/web.captured")"

step "l4 accounts for every packet: rx = tx + drops"
wait_until 5 "balanced counters of l4" l4_is_balanced
say "ok: $(l4_is_balanced)"
