// SPDX-License-Identifier: Apache-2.0
// EchoProbe: one ICMP echo and its reply. The kernel's echo socket where net.ipv4.ping_group_range grants it,
// else a raw one, which takes CAP_NET_RAW. Thread and lifetime: as its Probe.
#pragma once

#include "dataplane/node/health/echo.hpp"
#include "dataplane/node/health/probe.hpp"

namespace headgate::node {

class EchoProbe final : public Probe {
 public:
  EchoProbe(EventLoop& loop, const ProbeTarget& target, OnDone on_done);

 private:
  bool open_socket();
  bool send_request();
  void on_ready();
  int next_error();
  void receive_reply();

  Echo echo_;
  bool is_raw_ = false;
};

}  // namespace headgate::node
