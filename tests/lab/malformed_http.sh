#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Malformed requests through the VIP: 400 and the connection is closed, whatever follows; the shard lives on.
#
#   client ── bytes ──► VIP ── l4 ──► replica     (nothing of it reaches a backend)
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_scenario
lab_up
appliance_up

shard=$(pid_of headgate-shard)
next='GET /smuggled HTTP/1.1\r\nHost: app.example.com\r\n\r\n'

# refused WHAT STATUS BYTES: exactly one answer, then the end of the connection (socat sees it well before its -t)
refused() {
  local answers status
  answers=$(printf '%b' "$3" | client timeout 5 socat -t 4 - "TCP:$LAB_VIP:80" | tr -d '\r') || true
  status=$(head -n 1 <<<"$answers" | cut -d' ' -f2)
  expect_eq "$1" "$2" "$status"
  expect_eq "  answers on the connection" 1 "$(grep -c '^HTTP/1.1 ' <<<"$answers")"
}
H='Host: app.example.com\r\n'
refused "Content-Length with Transfer-Encoding" 400 "POST / HTTP/1.1\r\n${H}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n$next"
refused "two Content-Lengths that differ" 400 "POST / HTTP/1.1\r\n${H}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd$next"
refused "a signed Content-Length" 400 "POST / HTTP/1.1\r\n${H}Content-Length: +3\r\n\r\nabc$next"
refused "chunked is not last" 400 "POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n$next"
refused "a chunk size with 0x" 400 "POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n$next"
refused "a folded header" 400 "GET / HTTP/1.1\r\n${H}A: b\r\n c\r\n\r\n$next"
refused "a space before the colon" 400 "GET / HTTP/1.1\r\n${H}A : b\r\n\r\n$next"
refused "a bare LF" 400 "GET / HTTP/1.1\n${H}\r\n$next"
refused "a NUL in a value" 400 "GET / HTTP/1.1\r\n${H}A: b\\0000c\r\n\r\n$next"
refused "two Hosts" 400 "GET / HTTP/1.1\r\n${H}${H}\r\n$next"
refused "no Host" 400 "GET / HTTP/1.1\r\n\r\n$next"
refused "no request at all" 400 "\\0377\\0376\\0375 nonsense\r\n\r\n"
refused "a path that leaves its root, escaped" 400 "GET /%2e%2e/%00 HTTP/1.1\r\n${H}\r\n$next"
long=$(head -c 9000 /dev/zero | tr '\0' a)
refused "a target that is too long" 414 "GET /$long HTTP/1.1\r\n${H}\r\n"
refused "headers that are too long" 431 "GET / HTTP/1.1\r\n${H}A: $long$long$long$long\r\n\r\n"
expect_eq "the replica is the same process" "$shard" "$(pid_of headgate-shard)"
expect_match "and serves" '^b[12]$' "$(get "http://$LAB_VIP/")"
