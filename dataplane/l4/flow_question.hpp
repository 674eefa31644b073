// SPDX-License-Identifier: Apache-2.0
// FlowQuestion: what a worker is asked about a flow, and FlowAnswer, what it says: where the flow's next
// packet goes, by what it alone remembers. Values that cross threads.
#pragma once

#include <cstdint>

#include "dataplane/core/ip_address.hpp"

namespace headgate::l4 {

struct FlowQuestion {
  Endpoint client;
  Endpoint reached;  // of one family
  uint8_t protocol = 0;
  uint32_t number = 0;  // which the answer has too
};

enum class ChosenBy : uint8_t {
  kNobody,         // no listener is there, or it has no target for it
  kMaglev,         // the flow is not known: where it would begin
  kTurn,           // likewise, of a listener by round robin
  kSteppedAround,  // the same, past targets that are not usable
  kFlowTable,      // the flow is known
};

struct FlowAnswer {
  ChosenBy by = ChosenBy::kNobody;
  bool at_listener = false;
  uint32_t target_id = 0;  // where `by` is not kNobody
  uint32_t number = 0;
};

}  // namespace headgate::l4
