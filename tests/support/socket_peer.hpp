// SPDX-License-Identifier: Apache-2.0
// SocketPeer: a TCP peer that a test plays by hand, byte for byte, blocking with a deadline so that a missing
// byte fails the test and never hangs it. ListeningPeer: where such peers are accepted, on a port of loopback
// that the kernel chose. RefusingPort: one where nobody listens, and nobody else can while it lives.
// FullPort: one where a connect gets no answer. socket_buffers_max(): what may be on its way between two of
// them. Thread: the test's.
#pragma once

#include <chrono>
#include <fstream>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/ip_address.hpp"
#include "dataplane/core/unique_fd.hpp"

namespace headgate::testing_support {

inline constexpr int kDeadlineMs = 10'000;  // generous: only a failing test waits for it

class SocketPeer {
 public:
  SocketPeer() = default;
  explicit SocketPeer(UniqueFd socket) : socket_(std::move(socket)) {}

  static SocketPeer connect(uint16_t port) {
    SocketPeer peer(UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    HG_ASSERT(::connect(peer.socket_.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    return peer;
  }

  int fd() const { return socket_.get(); }
  explicit operator bool() const { return static_cast<bool>(socket_); }
  void close() { socket_.reset(); }
  // What was sent has left then, however close() finds the socket.
  void send_at_once() {
    const int on = 1;
    ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  void shutdown_write() { ::shutdown(socket_.get(), SHUT_WR); }
  void reset() {  // RST in place of FIN
    const linger hard{1, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    socket_.reset();
  }

  // False where the other side has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // What fits without waiting for the other side to read.
  std::size_t send_some(std::string_view bytes) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
  }

  // Up to and with `end`; what came until the close or the deadline where it did not come.
  std::string read_until(std::string_view end) {
    while (inbox_.find(end) == std::string::npos && read_more()) {
    }
    const auto found = inbox_.find(end);
    return take(found == std::string::npos ? inbox_.size() : found + end.size());
  }
  std::string read_head() { return read_until("\r\n\r\n"); }
  std::string read_exactly(std::size_t bytes) {
    while (inbox_.size() < bytes && read_more()) {
    }
    return take(std::min(bytes, inbox_.size()));
  }
  // Up to the close.
  std::string read_all() {
    while (read_more()) {
    }
    return take(inbox_.size());
  }
  // The other side has ended the connection and nothing was unread.
  bool at_end() { return inbox_.empty() && !read_more() && !timed_out_; }
  // Whether a byte, or the end, comes within `ms`.
  bool readable_within(int ms) {
    pollfd poll_fd{socket_.get(), POLLIN, 0};
    return !inbox_.empty() || ::poll(&poll_fd, 1, ms) == 1;
  }

 private:
  bool read_more() {
    pollfd poll_fd{socket_.get(), POLLIN, 0};
    timed_out_ = ::poll(&poll_fd, 1, kDeadlineMs) != 1;
    if (timed_out_) return false;
    char bytes[65536];
    const ssize_t got = ::recv(socket_.get(), bytes, sizeof bytes, 0);
    if (got <= 0) return false;
    inbox_.append(bytes, static_cast<std::size_t>(got));
    return true;
  }
  std::string take(std::size_t bytes) {
    std::string taken = inbox_.substr(0, bytes);
    inbox_.erase(0, bytes);
    return taken;
  }

  UniqueFd socket_;
  std::string inbox_;
  bool timed_out_ = false;
};

// The most bytes that the kernel holds of one direction of one connection: in its sender's buffer and in its
// receiver's, which grow as they are used. What a proxy has taken beyond those of its two connections, it
// keeps itself.
inline std::size_t socket_buffers_max() {
  std::size_t total_bytes = 0;
  for (const char* setting : {"/proc/sys/net/ipv4/tcp_wmem", "/proc/sys/net/ipv4/tcp_rmem"}) {
    std::ifstream file(setting);
    std::size_t min_bytes = 0, default_bytes = 0, max_bytes = 0;
    HG_ASSERT(static_cast<bool>(file >> min_bytes >> default_bytes >> max_bytes));
    total_bytes += max_bytes;
  }
  return total_bytes;
}

class BoundPort {
 public:
  BoundPort() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    HG_ASSERT(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    socklen_t size = sizeof at;
    ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
  }
  uint16_t port() const { return port_; }

 protected:
  UniqueFd socket_;

 private:
  uint16_t port_ = 0;
};

class RefusingPort : public BoundPort {};

// Its queue is full, and the kernel drops the SYN that would overfill it.
class FullPort : public BoundPort {
 public:
  FullPort() {
    HG_ASSERT(::listen(socket_.get(), 0) == 0);
    filler_ = SocketPeer::connect(port());
  }

 private:
  SocketPeer filler_;
};

class ListeningPeer : public BoundPort {
 public:
  ListeningPeer() { HG_ASSERT(::listen(socket_.get(), 128) == 0); }

  // An empty peer where none came.
  SocketPeer accept() {
    if (!has_waiting(kDeadlineMs)) return {};
    return SocketPeer(UniqueFd(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
  }
  bool has_waiting(int ms = 0) const {
    pollfd poll_fd{socket_.get(), POLLIN, 0};
    return ::poll(&poll_fd, 1, ms) == 1;
  }
  UniqueFd release() { return std::move(socket_); }
  void close() { socket_.reset(); }
};

}  // namespace headgate::testing_support
