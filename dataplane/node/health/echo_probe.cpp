// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/health/echo_probe.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "dataplane/core/assert.hpp"
#include "dataplane/node/health/unreachable.hpp"
#include "dataplane/node/socket_address.hpp"

namespace headgate::node {
namespace {

// A request, behind the longest IPv4 header and more than that: what is longer is no reply to it.
constexpr std::size_t kMessageBytesMax = 128;

// A raw socket gets what is meant for any process; of it only replies are of interest.
bool take_replies_only(int fd, int family) {
  if (family == AF_INET) {
    const icmp_filter filter{~(1u << ICMP_ECHOREPLY)};
    return ::setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, sizeof filter) == 0;
  }
  icmp6_filter filter;
  ICMP6_FILTER_SETBLOCKALL(&filter);
  ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
  return ::setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter) == 0;
}

// The id of an echo socket's requests is its port: the kernel chose it, and hands on replies by it.
std::optional<uint16_t> port_of(int fd) {
  sockaddr_storage address{};
  socklen_t length_bytes = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length_bytes) != 0) return std::nullopt;
  return address.ss_family == AF_INET ? ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port)
                                      : ntohs(reinterpret_cast<sockaddr_in6&>(address).sin6_port);
}

}  // namespace

EchoProbe::EchoProbe(EventLoop& loop, const ProbeTarget& target, OnDone on_done)
    : Probe(loop, target, std::move(on_done)) {
  if (open_socket() && send_request())
    await(EPOLLIN, [this](uint32_t) { on_ready(); });
  else if (is_raw_ && !socket_ && errno == EPERM)
    end_soon({false, "echoes need CAP_NET_RAW here, or a group in net.ipv4.ping_group_range"});
  else
    fail_soon(errno);
}

bool EchoProbe::open_socket() {
  echo_.is_v6 = target_.endpoint.address.is_v6();
  const int family = echo_.is_v6 ? AF_INET6 : AF_INET;
  const int protocol = echo_.is_v6 ? int{IPPROTO_ICMPV6} : int{IPPROTO_ICMP};
  socket_.reset(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  is_raw_ = !socket_ && errno == EACCES;
  if (is_raw_) socket_.reset(::socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  return socket_ && (!is_raw_ || take_replies_only(socket_.get(), family)) &&
         told_of_unreachable(socket_.get(), family);
}

bool EchoProbe::send_request() {
  const auto address = SocketAddress::of({target_.endpoint.address, 0});  // an echo goes to no port
  if (::connect(socket_.get(), address.get(), address.size_bytes()) != 0) return false;
  HG_ASSERT(::getrandom(&echo_.payload, sizeof echo_.payload, 0) == sizeof echo_.payload);
  if (is_raw_) {
    HG_ASSERT(::getrandom(&echo_.id, sizeof echo_.id, 0) == sizeof echo_.id);
  } else {
    const auto port = port_of(socket_.get());
    if (!port) return false;
    echo_.id = *port;
  }
  const auto request = echo_request(echo_);
  return ::send(socket_.get(), request.data(), request.size(), 0) >= 0;
}

// One of each a turn: epoll tells again of what is left.
void EchoProbe::on_ready() {
  if (const int errno_value = next_error(); errno_value != 0) return fail(errno_value);
  receive_reply();
}

// What the next error says in the socket's queue; 0 where there is none, or it is about the echo of another
// process, which a raw socket hears of too.
int EchoProbe::next_error() {
  std::array<std::byte, kMessageBytesMax> quoted;
  alignas(cmsghdr) std::array<std::byte, 512> control;
  iovec data{quoted.data(), quoted.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t got = ::recvmsg(socket_.get(), &message, MSG_ERRQUEUE);
  if (got < 0 || !is_request_of(echo_, {quoted.data(), static_cast<std::size_t>(got)})) return 0;
  for (auto* part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
    const bool is_error = (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR) ||
                          (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR);
    if (!is_error) continue;
    sock_extended_err error;
    std::memcpy(&error, CMSG_DATA(part), sizeof error);
    return static_cast<int>(error.ee_errno);
  }
  return 0;
}

void EchoProbe::receive_reply() {
  std::array<std::byte, kMessageBytesMax> buffer;
  const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (got < 0) return;  // nothing, or the sign of an error that the queue has
  std::span<const std::byte> message(buffer.data(), static_cast<std::size_t>(got));
  if (is_raw_ && !echo_.is_v6) message = past_ipv4_header(message);
  if (is_reply_to(echo_, message)) end({true, ""});
}

}  // namespace headgate::node
