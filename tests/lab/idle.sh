#!/usr/bin/env bash
# Nothing of an idle appliance spins or polls on a clock: headgate-l4 is blocked in poll(), the others wait for what
# comes. How little CPU that takes is measured by scripts/bench idle.
#
#   (nobody) ──► VIP ── l4 ──► replica ··· health checks every 200 ms ··· b1, b2
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_scenario
lab_up
appliance_up

# "program thread's-wakings-of-its-own ns-on-a-CPU" of the four, all threads together.
activity() {
  local program pid
  for program in headgated headgate-node headgate-l4 headgate-shard; do
    pid=$(pid_of "$program")
    printf '%s %d %d\n' "$program" \
      "$(awk '/^voluntary_ctxt_switches/ { n += $2 } END { print n }' /proc/"$pid"/task/*/status)" \
      "$(awk '{ ns += $1 } END { printf "%d", ns }' /proc/"$pid"/task/*/schedstat)"
  done
}

# A rate is what is asked for, so this one waits. A busy neighbour makes work slower but wakes nobody, and something
# that spins takes all of a core: the bounds tell apart what differs tenfold.
window_s=5
activity >"$LAB_DIR/before"
sleep "$window_s"
activity >"$LAB_DIR/after"
while read -r program wakings cpu; do
  echo "$program: $((wakings / window_s)) wakings a second, $((cpu / window_s / 100000)) hundredths of a percent of a core"
  case $program in # ten checks a second wake headgate-node for each step of a connection
    headgate-node) wakings_max=120 ;;
    *) wakings_max=30 ;;
  esac
  expect_at_most "$program's wakings in $window_s s" $((wakings_max * window_s)) "$wakings"
  expect_at_most "$program's milliseconds on a CPU in $window_s s" $((200 * window_s)) $((cpu / 1000000))
done < <(paste -d' ' "$LAB_DIR/before" "$LAB_DIR/after" | awk '{ print $1, $5 - $2, $6 - $3 }')
