#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An idle appliance takes under 2 % of a core: every process of it together, headgate-l4 blocked in poll().
#
#   (nobody) ──► VIP ── l4 ──► replica ··· health checks every 200 ms ··· b1, b2
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_scenario
[ "$LAB_SLOW" = 1 ] || skip "a sanitizer's figure says nothing"
lab_up
appliance_up

# Nanoseconds on a CPU, of all threads of the four programs.
cpu_ns() {
  local program pid
  for program in headgated headgate-node headgate-l4 headgate-shard; do
    pid=$(pid_of "$program")
    cat /proc/"$pid"/task/*/schedstat | awk -v program="$program" '{ ns += $1 } END { print program, ns }'
  done
}

# What is measured is time itself, so this one waits. A busy neighbour of this machine can only add to the figure:
# the least of up to three windows is ours.
window_s=10
hundredths=
for _ in 1 2 3; do
  cpu_ns >"$LAB_DIR/before"
  sleep "$window_s"
  cpu_ns >"$LAB_DIR/after"
  paste -d' ' "$LAB_DIR/before" "$LAB_DIR/after" |
    awk -v s="$window_s" '{ printf "%s: %.2f %% of a core\n", $1, ($4 - $2) / s / 1e7; sum += $4 - $2 } END { printf "%d\n", sum / s / 1e5 > "/dev/stderr" }' 2>"$LAB_DIR/sum"
  hundredths=$(cat "$LAB_DIR/sum")
  [ "$hundredths" -gt 200 ] || break
done
expect_at_most "hundredths of a percent of a core, all together" 200 "$hundredths"
