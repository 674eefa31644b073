// SPDX-License-Identifier: Apache-2.0
// ListeningSocket: accepts clients of one listener address for one thread, or the first tiers' connections on
// the shard's hop socket, which all threads and replicas share. headgate-node (or standalone mode) made the
// socket; this holds a copy of its fd. Thread: one; ShardThread owns it.
#pragma once

#include <sys/types.h>

#include "dataplane/core/ip_address.hpp"
#include "dataplane/shard/event_loop.hpp"

namespace headgate::shard {

struct Workbench;

class ListeningSocket final : public Handler {
 public:
  struct What {
    UniqueFd socket;
    Endpoint reached;
    ino_t inode = 0;
    bool hop = false;
  };
  ListeningSocket(Workbench& bench, What what, std::size_t clients_max)
      : bench_(bench),
        socket_(std::move(what.socket)),
        reached_(what.reached),
        inode_(what.inode),
        hop_(what.hop),
        clients_max_(clients_max) {}

  bool start();
  void stop();
  ino_t inode() const { return inode_; }  // which socket it is, whatever its fd's number
  const Endpoint& reached() const { return reached_; }
  bool is_hop() const { return hop_; }

  void on_events(uint32_t epoll_events) override;

 protected:
  void on_deadline() override;

 private:
  bool watch();
  bool accept_one();
  void pause();

  Workbench& bench_;
  UniqueFd socket_;
  Endpoint reached_;
  ino_t inode_;
  bool hop_;
  std::size_t clients_max_;
};

}  // namespace headgate::shard
