// SPDX-License-Identifier: Apache-2.0
// run_service: headgate-l4 as headgate-node starts it: ports, workers, control loop, until told to stop.
// run_offline: the same workers between pcap files, once through. Thread: main, which becomes control.
#pragma once

#include "dataplane/core/result.hpp"
#include "dataplane/fastpath/options.hpp"

namespace headgate::fastpath {

Result<void> run_service(const Options& options);
Result<void> run_offline(const Options& options);

}  // namespace headgate::fastpath
