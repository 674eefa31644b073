// SPDX-License-Identifier: Apache-2.0
// EchoPeer: answers for 127.0.0.1 or ::1 in the place of a kernel that was told not to, inside of a test's
// own event loop: hears each echo request and says of it what the test wants. Needs root.
#pragma once

#include <array>
#include <cstring>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/checksum.hpp"
#include "dataplane/core/ip_address.hpp"
#include "dataplane/node/event_loop.hpp"
#include "dataplane/node/health/echo.hpp"
#include "dataplane/node/socket_address.hpp"

namespace headgate::node {

class EchoPeer {
 public:
  using Message = std::vector<std::byte>;  // from its ICMP header on
  using OnRequest = std::function<void(const Message& request)>;

  EchoPeer(EventLoop& loop, const IpAddress& address, OnRequest on_request)
      : address_(address), on_request_(std::move(on_request)) {
    socket_.reset(::socket(is_v6() ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
                           is_v6() ? int{IPPROTO_ICMPV6} : int{IPPROTO_ICMP}));
    HG_ASSERT(socket_ && hear_requests_only());
    watch_ = loop.watch(socket_.get(), EPOLLIN, [this](uint32_t) { hear(); });
  }

  void send(Message message) {
    auto& header = header_at<IcmpHeader>(message.data());
    header.checksum = Be16(0);  // of ICMPv6 the kernel's to fill in
    if (!is_v6()) header.checksum = finish_checksum(sum_bytes(message));
    const auto to = SocketAddress::of({address_, 0});
    HG_ASSERT(::sendto(socket_.get(), message.data(), message.size(), 0, to.get(), to.size_bytes()) >= 0);
  }

  // Destination unreachable, quoting the request (RFC 792, RFC 4443 section 3.1).
  void send_unreachable(const Message& request, uint8_t code) {
    Message message(sizeof(IcmpHeader) + (is_v6() ? sizeof(Ipv6Header) : sizeof(Ipv4Header)));
    auto& icmp = header_at<IcmpHeader>(message.data());
    icmp.type = is_v6() ? 1 : 3;
    icmp.code = code;
    std::byte* const quoted = message.data() + sizeof icmp;
    is_v6() ? write_header(header_at<Ipv6Header>(quoted), request.size())
            : write_header(header_at<Ipv4Header>(quoted), request.size());
    message.insert(message.end(), request.begin(), request.end());
    send(std::move(message));
  }

  bool is_v6() const { return address_.is_v6(); }

 private:
  bool hear_requests_only() {
    if (!is_v6()) {
      const icmp_filter filter{~(1u << ICMP_ECHO)};
      return ::setsockopt(socket_.get(), SOL_RAW, ICMP_FILTER, &filter, sizeof filter) == 0;
    }
    icmp6_filter filter;
    ICMP6_FILTER_SETBLOCKALL(&filter);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REQUEST, &filter);
    return ::setsockopt(socket_.get(), IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter) == 0;
  }

  void hear() {
    std::array<std::byte, 256> buffer;
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0) return;
    std::span<const std::byte> request(buffer.data(), static_cast<std::size_t>(got));
    if (!is_v6()) request = past_ipv4_header(request);
    on_request_({request.begin(), request.end()});
  }

  void write_header(Ipv4Header& header, std::size_t payload_bytes) const {
    header.version_ihl = Ipv4Header::kWithoutOptions;
    header.total_length_bytes = Be16(static_cast<uint16_t>(sizeof header + payload_bytes));
    header.ttl = 64;
    header.protocol = kProtocolIcmp;
    header.src = header.dst = Be32(INADDR_LOOPBACK);
    header.checksum = finish_checksum(sum_bytes(std::as_bytes(std::span(&header, 1))));
  }
  void write_header(Ipv6Header& header, std::size_t payload_bytes) const {
    header.version_class_flow = Be32(6u << 28);
    header.payload_length_bytes = Be16(static_cast<uint16_t>(payload_bytes));
    header.next_header = kProtocolIcmpv6;
    header.hop_limit = 64;
    header.src.back() = header.dst.back() = 1;
  }

  IpAddress address_;
  OnRequest on_request_;
  UniqueFd socket_;
  EventLoop::Watch watch_;
};

}  // namespace headgate::node
