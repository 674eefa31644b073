// SPDX-License-Identifier: Apache-2.0
// Socket: a route netlink socket of the network namespace in which it is opened. Requests wait for the
// kernel's answer, which comes at once. A socket that subscribes to groups is for events only. Thread: one.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "dataplane/core/result.hpp"
#include "dataplane/core/unique_fd.hpp"
#include "dataplane/netlink/message.hpp"

namespace headgate::netlink {

class Socket {
 public:
  static Result<Socket> open();
  // `groups`: RTMGRP_* (rtnetlink(7)); never blocks.
  static Result<Socket> subscribe(uint32_t groups);

  int fd() const { return fd_.get(); }

  // `what`: for the error, "adding 192.0.2.1 to hg0".
  Result<void> act(Request& request, const std::string& what);
  Result<void> dump(Request& request, const std::string& what,
                    const std::function<void(const Message&)>& on_message);
  // Hands on the events that have arrived; false where some were lost, so that only a new look helps.
  bool take_events(const std::function<void(const Message&)>& on_message);

 private:
  explicit Socket(UniqueFd fd) : fd_(std::move(fd)) {}
  Result<void> exchange(Request& request, const std::string& what,
                        const std::function<void(const Message&)>& on_message);

  UniqueFd fd_;
  uint32_t sequence_ = 0;
};

}  // namespace headgate::netlink
