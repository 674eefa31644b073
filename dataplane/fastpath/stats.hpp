// SPDX-License-Identifier: Apache-2.0
// What headgate-l4 reports of itself: its counters as contract::Stats, and whether the conservation law holds
// (received = sent by the uplink + sent to the host + Σ drops by reason). Thread: control.
#pragma once

#include <memory>
#include <vector>

#include "dataplane/contract/stats.hpp"
#include "dataplane/fastpath/port.hpp"
#include "dataplane/fastpath/table_keeper.hpp"
#include "dataplane/fastpath/worker.hpp"

namespace headgate::fastpath {

// By how many packets the law is broken: always 0, or packets are lost or counted twice.
uint64_t law_deficit(const std::array<uint64_t, kWorkerCounters>& counters);

contract::Stats collect_stats(const Workers& workers, const std::vector<const Port*>& ports,
                              const TableKeeper& keeper);

}  // namespace headgate::fastpath
