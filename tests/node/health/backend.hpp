// SPDX-License-Identifier: Apache-2.0
// Backend: a listening socket on 127.0.0.1 inside of a test's own event loop, that answers what it is told
// to.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/ip_address.hpp"
#include "dataplane/node/event_loop.hpp"

namespace headgate::node {

class Backend {
 public:
  explicit Backend(EventLoop& loop, uint16_t port = 0) : loop_(loop) {
    socket_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int one = 1;
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    socklen_t length_bytes = sizeof address;
    HG_ASSERT(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
              ::listen(socket_.get(), 64) == 0);
    ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &length_bytes);
    endpoint_ = {IpAddress::v4(INADDR_LOOPBACK), ntohs(address.sin_port)};
    watch_ = loop_.watch(socket_.get(), EPOLLIN, [this](uint32_t) { accept(); });
  }

  const Endpoint& endpoint() const { return endpoint_; }
  void answer(std::string text) { answer_ = std::move(text); }  // empty: says nothing
  unsigned connections() const { return connections_; }
  const std::string& last_request() const { return last_request_; }

 private:
  void accept() {
    UniqueFd connection(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!connection) return;
    ++connections_;
    const int fd = connection.get();
    open_.push_back(std::move(connection));
    watches_.push_back(loop_.watch(fd, EPOLLIN | EPOLLET, [this, fd](uint32_t) {
      char buffer[1024];
      const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
      if (got <= 0) return;
      last_request_.assign(buffer, static_cast<std::size_t>(got));
      if (!answer_.empty()) ::send(fd, answer_.data(), answer_.size(), MSG_NOSIGNAL);
    }));
  }

  EventLoop& loop_;
  UniqueFd socket_;
  EventLoop::Watch watch_;
  std::vector<UniqueFd> open_;
  std::vector<EventLoop::Watch> watches_;
  Endpoint endpoint_;
  std::string answer_, last_request_;
  unsigned connections_ = 0;
};

// Turns the loop until the condition holds; false after a long while.
template <typename Condition>
bool turn_until(EventLoop& loop, const Condition& condition) {
  const auto deadline = monotonic_now() + std::chrono::seconds(20);
  while (!condition()) {
    if (monotonic_now() > deadline) return false;
    loop.turn(std::chrono::milliseconds(50));
  }
  return true;
}

}  // namespace headgate::node
