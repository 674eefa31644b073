// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/ip_address.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>

#include "dataplane/core/assert.hpp"

namespace headgate {
namespace {

template <typename T>
std::optional<T> parse_decimal(std::string_view text) {
  T value{};
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// How many of the two addresses' leading bits are equal, up to `limit_bits`.
bool same_leading_bits(const IpAddress& a, const IpAddress& b, unsigned limit_bits) {
  const unsigned whole_bytes = limit_bits / 8;
  if (!std::equal(a.bytes().begin(), a.bytes().begin() + whole_bytes, b.bytes().begin())) return false;
  const unsigned rest_bits = limit_bits % 8;
  if (rest_bits == 0) return true;
  const auto mask = static_cast<uint8_t>(0xff << (8 - rest_bits));
  return (a.bytes()[whole_bytes] & mask) == (b.bytes()[whole_bytes] & mask);
}

}  // namespace

IpAddress IpAddress::v4(uint32_t host_order) {
  IpAddress address;
  for (unsigned i = 0; i < 4; ++i) address.bytes_[i] = static_cast<uint8_t>(host_order >> (24 - 8 * i));
  return address;
}

IpAddress IpAddress::v6(const std::array<uint8_t, 16>& bytes) {
  IpAddress address;
  address.is_v6_ = true;
  address.bytes_ = bytes;
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.size() >= INET6_ADDRSTRLEN) return std::nullopt;
  char terminated[INET6_ADDRSTRLEN] = {};
  std::copy(text.begin(), text.end(), terminated);
  if (std::strlen(terminated) != text.size()) return std::nullopt;  // an embedded NUL
  IpAddress address;
  if (inet_pton(AF_INET, terminated, address.bytes_.data()) == 1) return address;
  address.is_v6_ = true;
  if (inet_pton(AF_INET6, terminated, address.bytes_.data()) == 1) return address;
  return std::nullopt;
}

uint32_t IpAddress::v4_host_order() const {
  HG_ASSERT(is_v4());
  return uint32_t{bytes_[0]} << 24 | uint32_t{bytes_[1]} << 16 | uint32_t{bytes_[2]} << 8 | bytes_[3];
}

bool IpAddress::is_unspecified() const {
  return std::all_of(bytes_.begin(), bytes_.end(), [](uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes_[0] == 127;
  return std::all_of(bytes_.begin(), bytes_.end() - 1, [](uint8_t byte) { return byte == 0; }) &&
         bytes_[15] == 1;
}

bool IpAddress::is_multicast() const { return is_v4() ? (bytes_[0] & 0xf0) == 0xe0 : bytes_[0] == 0xff; }

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(is_v6_ ? AF_INET6 : AF_INET, bytes_.data(), text, sizeof text);
  return text;
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const auto bits_max = static_cast<uint8_t>(address->size_bytes() * 8);
  if (slash == std::string_view::npos) return Prefix{*address, bits_max};
  const auto length = parse_decimal<uint8_t>(text.substr(slash + 1));
  if (!length || *length > bits_max) return std::nullopt;
  const Prefix prefix{*address, *length};
  for (unsigned bit = *length; bit < bits_max; ++bit)
    if (address->bytes()[bit / 8] >> (7 - bit % 8) & 1) return std::nullopt;
  return prefix;
}

bool Prefix::contains(const IpAddress& candidate) const {
  return candidate.is_v6() == address.is_v6() && same_leading_bits(address, candidate, length_bits);
}

std::string Prefix::to_string() const { return address.to_string() + "/" + std::to_string(length_bits); }

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  const auto port = parse_decimal<uint16_t>(text.substr(colon + 1));
  if (!address || address->is_v6() != bracketed || !port) return std::nullopt;
  return Endpoint{*address, *port};
}

std::string Endpoint::to_string() const {
  const auto host = address.to_string();
  return (address.is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace headgate

std::size_t std::hash<headgate::IpAddress>::operator()(const headgate::IpAddress& address) const noexcept {
  const auto& bytes = address.bytes();
  return std::hash<std::string_view>{}({reinterpret_cast<const char*>(bytes.data()), bytes.size()}) * 2 +
         address.is_v6();
}

std::size_t std::hash<headgate::Endpoint>::operator()(const headgate::Endpoint& endpoint) const noexcept {
  return std::hash<headgate::IpAddress>{}(endpoint.address) * 65599 + endpoint.port;
}
