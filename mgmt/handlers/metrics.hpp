// SPDX-License-Identifier: Apache-2.0
// /metrics: the nodes' samples and headgated's own in the text format of Prometheus. Any thread; the text is
// pure.
#pragma once

#include <map>
#include <string>

#include "mgmt/handlers/exchange.hpp"

namespace headgate::handlers {

void get_metrics(const ExchangePtr& exchange);

struct Headgated {
  uint64_t revision = 0;
  uint64_t applied_revision = 0;
  std::size_t polls_waiting = 0;
};
std::string metrics_text(const Headgated& own, const std::map<std::string, service::NodeState>& nodes,
                         TimePoint now);

}  // namespace headgate::handlers
