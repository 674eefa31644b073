// SPDX-License-Identifier: Apache-2.0
// ListeningSocket: accepts clients of one listener address for one thread. headgate-node (or standalone mode)
// made the socket; this holds a copy of its fd. Thread: one; ShardThread owns it.
#pragma once

#include <sys/types.h>

#include "dataplane/core/ip_address.hpp"
#include "dataplane/shard/event_loop.hpp"

namespace headgate::shard {

struct Workbench;

class ListeningSocket final : public Handler {
 public:
  ListeningSocket(Workbench& bench, UniqueFd socket, const Endpoint& reached, ino_t inode,
                  std::size_t clients_max)
      : bench_(bench),
        socket_(std::move(socket)),
        reached_(reached),
        inode_(inode),
        clients_max_(clients_max) {}

  bool start();
  void stop();
  ino_t inode() const { return inode_; }  // which socket it is, whatever its fd's number
  const Endpoint& reached() const { return reached_; }

  void on_events(uint32_t epoll_events) override;

 protected:
  void on_deadline() override;

 private:
  bool accept_one();
  void pause();

  Workbench& bench_;
  UniqueFd socket_;
  Endpoint reached_;
  ino_t inode_;
  std::size_t clients_max_;
};

}  // namespace headgate::shard
