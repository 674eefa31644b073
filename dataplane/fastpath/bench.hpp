// SPDX-License-Identifier: Apache-2.0
// run_bench: what the packet path costs a packet, without a NIC: net_pcap with infinite_rx → the whole path
// of a Worker → net_null. It measures the code, not a NIC. Thread: main.
//
// The driver gives the same few packets again and again, so a stage behind it (a receive callback) gives each
// another client address and port. In every round three loops run in turn: bare receive and send, that with
// the stage, and the worker with the stage. A packet's cost is the third less what the stage adds; medians of
// the rounds.
#pragma once

#include "dataplane/core/result.hpp"
#include "dataplane/fastpath/options.hpp"

namespace headgate::fastpath {

Result<void> run_bench(const Options& options);

}  // namespace headgate::fastpath
