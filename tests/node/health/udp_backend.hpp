// SPDX-License-Identifier: Apache-2.0
// UdpBackend: a UDP socket on a loopback address inside of a test's own event loop, that answers each
// datagram with what it is told to.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <utility>

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/ip_address.hpp"
#include "dataplane/node/event_loop.hpp"
#include "dataplane/node/socket_address.hpp"

namespace headgate::node {

class UdpBackend {
 public:
  // `address`: "127.0.0.1" or "::1"; with port 0 the kernel chooses one.
  UdpBackend(EventLoop& loop, const std::string& address, uint16_t port = 0)
      : endpoint_{*IpAddress::parse(address), port} {
    const auto bound = SocketAddress::of(endpoint_);
    socket_.reset(::socket(bound.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    HG_ASSERT(::bind(socket_.get(), bound.get(), bound.size_bytes()) == 0);
    sockaddr_storage chosen{};
    socklen_t length_bytes = sizeof chosen;
    HG_ASSERT(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&chosen), &length_bytes) == 0);
    endpoint_.port = ntohs(reinterpret_cast<sockaddr_in&>(chosen).sin_port);  // where IPv6 has it too
    watch_ = loop.watch(socket_.get(), EPOLLIN, [this](uint32_t) { answer_one(); });
  }

  const Endpoint& endpoint() const { return endpoint_; }
  void answer(std::optional<std::string> datagram) { answer_ = std::move(datagram); }  // nothing: silence
  // The answers come from this one's address in its place.
  void answer_by(const UdpBackend& other) { answering_ = other.socket_.get(); }
  unsigned datagrams() const { return datagrams_; }
  const std::string& last_request() const { return last_request_; }

 private:
  void answer_one() {
    std::array<char, 4096> buffer;
    sockaddr_storage from{};
    socklen_t length_bytes = sizeof from;
    const ssize_t got = ::recvfrom(socket_.get(), buffer.data(), buffer.size(), 0,
                                   reinterpret_cast<sockaddr*>(&from), &length_bytes);
    if (got < 0) return;
    ++datagrams_;
    last_request_.assign(buffer.data(), static_cast<std::size_t>(got));
    const int by = answering_ >= 0 ? answering_ : socket_.get();
    if (answer_)
      ::sendto(by, answer_->data(), answer_->size(), 0, reinterpret_cast<sockaddr*>(&from), length_bytes);
  }

  Endpoint endpoint_;
  UniqueFd socket_;
  EventLoop::Watch watch_;
  int answering_ = -1;
  std::optional<std::string> answer_;
  std::string last_request_;
  unsigned datagrams_ = 0;
};

}  // namespace headgate::node
