#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Eleven ways to abuse a shard, each with honest clients beside it: at least 99 of their 100 requests succeed, and the
# replica's memory stays within its bound and comes back.
#
#   client ─┬─ abuser (tests/lab/abuser KIND) ──► VIP ── l4 ──► replica ──► b1, b2
#           └─ h2load: honest requests ─────────►
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_scenario python3
ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)"
lab_up
appliance_up

honest_requests=$((3000 / LAB_SLOW))
rss_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$(pid_of headgate-shard)/status"; }
replica=$(pid_of headgate-shard)
load "$LAB_VIP" "$honest_requests"
expect_eq "honest requests that fail without abuse" 0 "$LOAD_FAILED"
rss_before_kb=$(rss_kb)

abuse() {  # abuse KIND CONNECTIONS MB: over so many connections, which may take so much of the replica's memory
  step "$1 over $2 connections"
  lab_spawn client "$1" "$LAB_SOURCE/abuser" "$1" "$LAB_VIP" 80 "$2" $((120 * LAB_SLOW))
  wait_until $((20 * LAB_SLOW)) "the abuse has begun" grep -q begun "$LAB_DIR/$1.log"
  load "$LAB_VIP" "$honest_requests"
  expect_at_most "honest requests that failed, of $honest_requests" $((honest_requests / 100)) "$LOAD_FAILED"
  # Under a sanitizer its shadow memory would be measured, not the replica's.
  [ "$LAB_SLOW" != 1 ] || expect_at_most "MB that the replica has grown by" "$3" $((($(rss_kb) - rss_before_kb) / 1024))
  kill "$(cat "$LAB_DIR/$1.pid")"
  wait_until 10 "the abuser has ended" grep -q sent_bytes "$LAB_DIR/$1.log"
  tail -n 1 "$LAB_DIR/$1.log"
  expect_eq "the replica has lived through it" "$replica" "$(pid_of headgate-shard)"
}

abuse slow_head 200 50
abuse slow_body 200 50
abuse slow_read 50 50
abuse idle 4000 100
abuse giant_head 50 50
abuse upgrade 20 100
abuse rapid_reset 20 100
abuse continuation 20 100
abuse header_bomb 20 100
abuse ping 20 100
abuse settings 20 100
