// SPDX-License-Identifier: Apache-2.0
// ExchangeTransport: Pistache's transport of one reactor thread, with what its own lacks: answers handed over
// from other threads, deadlines, an orderly close, and faults that end one connection instead of the process
// (Pistache 0.0.5 throws from its reactor threads when a peer vanishes at the wrong moment). Private to
// mgmt/http. Thread: its reactor's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <pistache/transport.h>

#include "mgmt/http/connection.hpp"

namespace headgate::http {

class ExchangeTransport : public Pistache::Tcp::Transport {
 public:
  ExchangeTransport(const std::shared_ptr<Pistache::Tcp::Handler>& handler, std::shared_ptr<Shared> shared);

  std::shared_ptr<Pistache::Aio::Handler> clone() const override;
  void registerPoller(Pistache::Polling::Epoll& poller) override;
  void onReady(const Pistache::Aio::FdSet& fds) override;

  const std::shared_ptr<Outbox>& outbox() const { return outbox_; }
  // Writes at once what the socket takes, the rest when it can; then calls on_sent.
  void write(const std::shared_ptr<Pistache::Tcp::Peer>& peer, const std::string& bytes,
             const std::function<void()>& on_sent);
  // Answers and goes on to the next request or closes, as the connection's form says.
  void answer(const std::shared_ptr<Pistache::Tcp::Peer>& peer, const Response& response);
  // Of a peer that has gone: it is held for a while, so that this thread, whose its connection is, lets go of
  // it last. Pistache's acceptor may hold it still, if it came and went at once.
  void outlive_acceptor(const std::shared_ptr<Pistache::Tcp::Peer>& peer) { gone_.push_back(peer); }

 private:
  void send_answers();
  void end_overdue();
  std::shared_ptr<Pistache::Tcp::Peer> find(const PeerName& name) const;  // null: the client has gone

  std::shared_ptr<Pistache::Tcp::Handler> handler_;
  std::shared_ptr<Shared> shared_;
  std::shared_ptr<Outbox> outbox_ = std::make_shared<Outbox>();
  UniqueFd timer_;
  std::vector<std::shared_ptr<Pistache::Tcp::Peer>> gone_;         // since the timer's last tick
  std::vector<std::shared_ptr<Pistache::Tcp::Peer>> gone_before_;  // since the one before
};

}  // namespace headgate::http
