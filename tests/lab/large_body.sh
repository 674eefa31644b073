#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A body of any length passes in constant memory, in both directions, and a side that stops reading stops the other:
# LAB_LARGE_BYTES (10G for the full figure) down from nginx, and up into a backend that reads it all.
#
#   client ◄── 1 GB ── VIP ── l4 ── replica ◄── b1, b2 (a sparse file)
#   client ─── 1 GB ─► VIP ── l4 ── replica ──► b1 :8090 (tests/lab/swallow)
export LAB_LARGE_BYTES=${LAB_LARGE_BYTES:-1G}
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_scenario perl
lab_up
appliance_up

shard_kib() { awk -v key="$1:" '$1 == key { print $2 }' "/proc/$(pid_of headgate-shard)/status"; } # VmRSS or VmHWM
large_bytes=$(numfmt --from=iec "$LAB_LARGE_BYTES")
grown_kib_max=32768
[ "$LAB_SLOW" = 1 ] || grown_kib_max=262144 # a sanitizer keeps freed memory for a while

lab_spawn b1 swallow "$LAB_SOURCE/swallow" 8090 "$LAB_DIR/gate"
wait_until 5 "the swallowing backend listens" in_ns b1 sh -c "ss -Hltn 'sport = :8090' | grep -q ."
api_ok PUT /v1/namespaces/default/pools/swallow '{"backends":[{"address":"10.77.1.2","port":8090}]}' >/dev/null
api_ok PUT '/v1/namespaces/default/routes/swallow?wait=applied&timeout=20s' '{"listeners":["web"],"hostnames":["swallow.example.com"],"rules":[{"forward":[{"pool":"swallow"}],"timeouts":{"request":"600s","backend_request":"600s"}}]}' >/dev/null
for _ in {1..20}; do get "http://$LAB_VIP/" >/dev/null; done
before_kib=$(shard_kib VmRSS)

step "$LAB_LARGE_BYTES down"
received=$(client curl -sf --max-time 280 -H "Host: $LAB_HOSTNAME" "http://$LAB_VIP/large" | wc -c)
expect_eq "bytes" "$large_bytes" "$received"
expect_at_most "the replica's memory has grown by (KiB)" "$grown_kib_max" $(($(shard_kib VmHWM) - before_kib))

step "$LAB_LARGE_BYTES up, into a backend that reads nothing at first"
truncate -s "$large_bytes" "$LAB_DIR/upload"
client curl -sf --max-time 280 -H 'Host: swallow.example.com' -H 'Expect:' -T "$LAB_DIR/upload" "http://$LAB_VIP/" >"$LAB_DIR/swallowed" &
upload=$!
# What the client has sent fills the buffers of the kernels in between, and then stays the same.
sent=
changed_ms=$(now_ms)
stalled() {
  local now_sent
  now_sent=$(client ss -Htin dst "$LAB_VIP" | grep -oE 'bytes_sent:[0-9]+')
  if [ "$now_sent" != "$sent" ]; then
    sent=$now_sent
    changed_ms=$(now_ms)
  fi
  [ $(($(now_ms) - changed_ms)) -gt 500 ]
}
wait_until 20 "the client is stopped by the backend that does not read" stalled
expect_at_most "the replica's memory has grown by (KiB)" "$grown_kib_max" $(($(shard_kib VmHWM) - before_kib))
touch "$LAB_DIR/gate"
wait "$upload" || fail "the upload failed: curl's status $?"
expect_eq "what the backend got" "swallowed $large_bytes" "$(cat "$LAB_DIR/swallowed")"
expect_at_most "the replica's memory has grown by (KiB)" "$grown_kib_max" $(($(shard_kib VmHWM) - before_kib))
