// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/health/echo.hpp"

#include <algorithm>
#include <cstring>

#include "dataplane/core/checksum.hpp"

namespace headgate::node {
namespace {

constexpr uint8_t kRequestV4 = 8;  // RFC 792
constexpr uint8_t kReplyV4 = 0;
constexpr uint8_t kRequestV6 = 128;  // RFC 4443
constexpr uint8_t kReplyV6 = 129;

IcmpHeader header_of(const Echo& echo, uint8_t type) {
  return {
      .type = type, .code = 0, .checksum = Be16(0), .rest = Be32(uint32_t{echo.id} << 16 | echo.sequence)};
}

bool begins_with(std::span<const std::byte> message, const IcmpHeader& header) {
  if (message.size() < sizeof header) return false;
  const auto& found = header_at<IcmpHeader>(message.data());
  return found.type == header.type && found.code == header.code && found.rest == header.rest;
}

}  // namespace

EchoRequest echo_request(const Echo& echo) {
  EchoRequest request;
  auto header = header_of(echo, echo.is_v6 ? kRequestV6 : kRequestV4);
  std::memcpy(request.data(), &header, sizeof header);
  std::copy(echo.payload.begin(), echo.payload.end(), request.begin() + sizeof header);
  if (!echo.is_v6) header_at<IcmpHeader>(request.data()).checksum = finish_checksum(sum_bytes(request));
  return request;
}

// A reply's checksum needs no look: every byte that it covers is one that was sent.
bool is_reply_to(const Echo& echo, std::span<const std::byte> message) {
  const auto payload = message.subspan(std::min(message.size(), sizeof(IcmpHeader)));
  return begins_with(message, header_of(echo, echo.is_v6 ? kReplyV6 : kReplyV4)) &&
         std::equal(payload.begin(), payload.end(), echo.payload.begin(), echo.payload.end());
}

bool is_request_of(const Echo& echo, std::span<const std::byte> quoted) {
  return begins_with(quoted, header_of(echo, echo.is_v6 ? kRequestV6 : kRequestV4));
}

std::span<const std::byte> past_ipv4_header(std::span<const std::byte> packet) {
  if (packet.size() < sizeof(Ipv4Header)) return {};
  const std::size_t header_bytes = header_at<Ipv4Header>(packet.data()).header_bytes();
  if (header_bytes < sizeof(Ipv4Header) || header_bytes > packet.size()) return {};
  return packet.subspan(header_bytes);
}

}  // namespace headgate::node
