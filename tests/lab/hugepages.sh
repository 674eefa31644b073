# SPDX-License-Identifier: Apache-2.0
# 2 MB hugepages for headgate-l4 while a lab is up: added to what the machine has, taken away again afterwards.
# Where the kernel gives none, headgate-l4 falls back to 4 KiB pages by itself. Sourced by lab.sh.
# shellcheck shell=bash

HUGEPAGES_FILE=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages

# hugepages_change BY: prints by how much the number really changed. Several labs may do this at once.
hugepages_change() {
  (
    flock 9
    before=$(cat "$HUGEPAGES_FILE")
    echo $((before + $1 > 0 ? before + $1 : 0)) >"$HUGEPAGES_FILE"
    echo $(($(cat "$HUGEPAGES_FILE") - before))
  ) 9<"$LAB_ROOT" 2>/dev/null
}

# hugepages_take COUNT NOTE: what NOTE says was taken before stays taken; a second call takes nothing.
hugepages_take() { [ -s "$2" ] || hugepages_change "$1" >"$2" || true; }
hugepages_give_back() {
  [ -s "$1" ] || return 0
  hugepages_change $((-$(cat "$1"))) >/dev/null || true
  rm -f "$1"
}
