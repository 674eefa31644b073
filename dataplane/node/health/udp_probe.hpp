// SPDX-License-Identifier: Apache-2.0
// UdpProbe: one datagram and its answer. Thread and lifetime: as its Probe.
#pragma once

#include "dataplane/node/health/probe.hpp"

namespace headgate::node {

class UdpProbe final : public Probe {
 public:
  UdpProbe(EventLoop& loop, const ProbeTarget& target, OnDone on_done);

 private:
  void receive_answer();
};

}  // namespace headgate::node
