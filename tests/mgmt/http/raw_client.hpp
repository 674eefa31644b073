// SPDX-License-Identifier: Apache-2.0
// RawClient: a TCP connection to a server under test, byte by byte, so that a test says exactly what is on
// the wire. Reads block up to 10 s. Thread: the test's.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/ip_address.hpp"
#include "dataplane/core/unique_fd.hpp"

namespace headgate::test {

class RawClient {
 public:
  explicit RawClient(const Endpoint& server) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port);
    address.sin_addr.s_addr = htonl(server.address.v4_host_order());
    HG_ASSERT(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const timeval most{10, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
  }

  // What the server no longer takes is dropped.
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void finish_sending() { ::shutdown(socket_.get(), SHUT_WR); }

  // One response: its head, and as much body as Content-Length says. Empty where the server closed.
  std::string response(bool head_only = false) {
    constexpr std::string_view kLength = "Content-Length: ";
    std::size_t head_end = std::string::npos;
    while ((head_end = inbox_.find("\r\n\r\n")) == std::string::npos)
      if (!read_more()) return std::exchange(inbox_, {});
    std::size_t total = head_end + 4;
    const auto length_at = inbox_.find(kLength);
    if (!head_only && length_at < head_end) total += std::stoul(inbox_.substr(length_at + kLength.size()));
    while (inbox_.size() < total)
      if (!read_more()) return std::exchange(inbox_, {});
    auto whole = inbox_.substr(0, total);
    inbox_.erase(0, total);
    return whole;
  }
  std::string until_close() {
    while (read_more()) {
    }
    return std::exchange(inbox_, {});
  }

 private:
  bool read_more() {
    std::array<char, 16384> bytes{};
    const auto got = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
    if (got > 0) inbox_.append(bytes.data(), static_cast<std::size_t>(got));
    return got > 0;
  }

  UniqueFd socket_;
  std::string inbox_;
};

}  // namespace headgate::test
