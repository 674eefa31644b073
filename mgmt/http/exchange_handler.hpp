// SPDX-License-Identifier: Apache-2.0
// ExchangeHandler: bytes of a connection → a Request for the handler, or a problem document where they are
// none. Pistache's parser reads them; what it would take without a bound, or take wrongly, is refused before.
// Private to mgmt/http. Thread: the reactor's.
#pragma once

#include <memory>

#include <pistache/tcp.h>

#include "mgmt/http/connection.hpp"
#include "mgmt/http/exchange_transport.hpp"
#include "mgmt/http/problem.hpp"

namespace headgate::http {

class ExchangeHandler : public Pistache::Tcp::Handler {
 public:
  explicit ExchangeHandler(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  std::shared_ptr<Pistache::Tcp::Handler> clone() const override {
    return std::make_shared<ExchangeHandler>(shared_);
  }

  void onConnection(const std::shared_ptr<Pistache::Tcp::Peer>& peer) override;
  void onDisconnection(const std::shared_ptr<Pistache::Tcp::Peer>& peer) override;
  void onInput(const char* bytes, std::size_t length_bytes,
               const std::shared_ptr<Pistache::Tcp::Peer>& peer) override;

 private:
  ExchangeTransport& own_transport() { return static_cast<ExchangeTransport&>(*transport()); }
  void refuse(const std::shared_ptr<Pistache::Tcp::Peer>& peer, const Problem& problem);
  void hand_over(const std::shared_ptr<Pistache::Tcp::Peer>& peer);

  std::shared_ptr<Shared> shared_;
};

}  // namespace headgate::http
