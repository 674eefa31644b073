# SPDX-License-Identifier: Apache-2.0
# How a lab scenario waits and judges. Sourced by lab.sh. Nothing here sleeps for a fixed time: wait_until asks a
# condition again and again until it holds or its deadline has passed.
# shellcheck shell=bash

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }
fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}
skip() {  # ctest's SKIP_RETURN_CODE
  printf 'skipped: %s\n' "$*"
  exit 77
}

now_ms() { date +%s%3N; }

# wait_until SECONDS WHAT COMMAND…: the command's output is dropped; fails with WHAT.
wait_until() {
  local deadline_ms=$(($(now_ms) + $1 * 1000)) what=$2 asked_once=
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ -z "$asked_once" ] || [ "$(now_ms)" -lt "$deadline_ms" ] || fail "not within the deadline: $what"
    asked_once=1
    sleep 0.05
  done
}

expect_eq() {  # expect_eq WHAT EXPECTED ACTUAL
  [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
  say "ok: $1: $3"
}
expect_at_most() {  # expect_at_most WHAT BOUND ACTUAL (integers)
  [ "$3" -le "$2" ] || fail "$1: expected at most $2, got $3"
  say "ok: $1: $3 (at most $2)"
}
expect_at_least() {
  [ "$3" -ge "$2" ] || fail "$1: expected at least $2, got $3"
  say "ok: $1: $3 (at least $2)"
}
expect_match() {  # expect_match WHAT EXTENDED_REGEX TEXT
  grep -qE -- "$2" <<<"$3" || fail "$1: expected /$2/ in: ${3:-nothing}"
  say "ok: $1"
}
