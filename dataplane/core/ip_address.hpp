// SPDX-License-Identifier: Apache-2.0
// IpAddress: an IPv4 or IPv6 address; Prefix: an address and how many of its leading bits count; Endpoint: an
// address and a TCP/UDP port. Plain values, any thread. Parsing is strict: one spelling in, the canonical one
// out.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headgate {

class IpAddress {
 public:
  constexpr IpAddress() = default;  // 0.0.0.0
  static IpAddress v4(uint32_t host_order);
  static IpAddress v6(const std::array<uint8_t, 16>& bytes);
  // Dotted quad, or RFC 4291 section 2.2 text; no zone, no brackets, no port.
  static std::optional<IpAddress> parse(std::string_view text);

  constexpr bool is_v4() const { return !is_v6_; }
  constexpr bool is_v6() const { return is_v6_; }
  uint32_t v4_host_order() const;  // only of a v4
  // Network order; a v4 address is its first four bytes, the rest zero.
  constexpr const std::array<uint8_t, 16>& bytes() const { return bytes_; }
  constexpr std::size_t size_bytes() const { return is_v6_ ? 16 : 4; }
  bool is_unspecified() const;
  bool is_loopback() const;
  bool is_multicast() const;
  std::string to_string() const;  // RFC 5952

  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  bool is_v6_ = false;
  std::array<uint8_t, 16> bytes_{};
};

struct Prefix {
  IpAddress address;  // bits past length are zero
  uint8_t length_bits = 0;

  // "10.0.0.0/8"; a bare address is a prefix of all its bits. Bits past the length must be zero.
  static std::optional<Prefix> parse(std::string_view text);
  bool contains(const IpAddress& candidate) const;
  std::string to_string() const;
  friend auto operator<=>(const Prefix&, const Prefix&) = default;
};

struct Endpoint {
  IpAddress address;
  uint16_t port = 0;

  // "192.0.2.1:80", "[2001:db8::1]:80"; port 0 is taken: it says "none" or "any".
  static std::optional<Endpoint> parse(std::string_view text);
  std::string to_string() const;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

}  // namespace headgate

template <>
struct std::hash<headgate::IpAddress> {
  std::size_t operator()(const headgate::IpAddress& address) const noexcept;
};
template <>
struct std::hash<headgate::Endpoint> {
  std::size_t operator()(const headgate::Endpoint& endpoint) const noexcept;
};
