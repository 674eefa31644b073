// SPDX-License-Identifier: Apache-2.0
// StreamProbe: a TCP connect, or an HTTP exchange, plain or over TLS. Thread and lifetime: as its Probe.
#pragma once

#include <string>
#include <string_view>

#include "dataplane/node/health/probe.hpp"
#include "dataplane/tls/session.hpp"

namespace headgate::node {

class StreamProbe final : public Probe {
 public:
  StreamProbe(EventLoop& loop, const ProbeTarget& target, const ContextPtr& tls, OnDone on_done);

 private:
  void on_ready(uint32_t epoll_events);
  void on_connected();
  bool send_proxy_header();
  void exchange_over_tls();
  void wait_for_tls(tls::Session::Status status);
  void send_request();
  void receive_answer();
  void take_answer(std::string_view bytes);

  ContextPtr tls_;
  tls::Session session_;  // where the check is https
  bool connected_ = false;
  bool shook_hands_ = false;
  std::string outbox_, inbox_;
};

}  // namespace headgate::node
