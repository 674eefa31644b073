# SPDX-License-Identifier: Apache-2.0
# Load from the lab's client by h2load (HTTP/1.1), which counts every request. Sourced by lab.sh.
# shellcheck shell=bash disable=SC2034

LAB_REQUESTS=${LAB_REQUESTS:-100000}
LAB_CONNECTIONS=64
LAB_SLOW=${LAB_SLOW:-1} # by how much a sanitizer stretches deadlines

# load_start ADDRESS REQUESTS [PATH]: in the background; load_wait ends it and sets LOAD_SUCCEEDED, LOAD_FAILED.
load_start() {
  load_program "$1" "${3:-/}" -n "$2" >"$LAB_DIR/load.txt" 2>&1 &
  LOAD_PID=$!
  LOAD_TOTAL=$2
}
# load_start_for ADDRESS SECONDS: the same, for a time. What is under way when it is over counts neither way.
load_start_for() {
  load_program "$1" / -D "$2" >"$LAB_DIR/load.txt" 2>&1 &
  LOAD_PID=$!
  LOAD_TOTAL=
}
load_running() { kill -0 "$LOAD_PID" 2>/dev/null; }
load_wait() {
  wait "$LOAD_PID" || fail "h2load ended with status $?: $(tail -n 3 "$LAB_DIR/load.txt")"
  local counts
  counts=$(grep '^requests:' "$LAB_DIR/load.txt") || fail "h2load counted nothing: $(tail -n 3 "$LAB_DIR/load.txt")"
  [ -n "$LOAD_TOTAL" ] || LOAD_TOTAL=$(grep -oE '[0-9]+ done' <<<"$counts" | grep -oE '[0-9]+')
  LOAD_SUCCEEDED=$(grep -oE '^status codes: [0-9]+' "$LAB_DIR/load.txt" | grep -oE '[0-9]+')
  LOAD_FAILED=$((LOAD_TOTAL - LOAD_SUCCEEDED))
  say "$(grep '^finished in' "$LAB_DIR/load.txt")"
  say "$counts; $(grep '^status codes' "$LAB_DIR/load.txt")"
}
load() {
  load_start "$@"
  load_wait
}
load_program() {  # load_program ADDRESS PATH ARGUMENT…
  client h2load --h1 -c "$LAB_CONNECTIONS" --connect-to="$(in_url "$1"):80" "${@:3}" "http://$LAB_HOSTNAME$2"
}
