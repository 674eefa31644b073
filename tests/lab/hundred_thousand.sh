#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# 100,000 requests (LAB_REQUESTS) over 64 connections through each VIP: none fails, both backends get their share.
#
#   client ══ 64 connections ══► VIP ── l4 ──► replica ══► b1, b2 by turns
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_scenario h2load
lab_up
appliance_up

for address in "$LAB_VIP" "$LAB_VIP6"; do
  step "$LAB_REQUESTS requests to $address"
  before1=$(lab_backend_requests b1)
  before2=$(lab_backend_requests b2)
  load "$address" "$LAB_REQUESTS"
  expect_eq "failed requests" 0 "$LOAD_FAILED"
  # Health checks and stub_status itself are counted too: a hundred at most.
  expect_at_least "b1's share" $((LAB_REQUESTS * 45 / 100)) $(($(lab_backend_requests b1) - before1))
  expect_at_least "b2's share" $((LAB_REQUESTS * 45 / 100)) $(($(lab_backend_requests b2) - before2))
done

step "l4 accounts for every packet: rx = tx + drops"
wait_until 5 "balanced counters of l4" l4_is_balanced
say "ok: $(l4_is_balanced)"
