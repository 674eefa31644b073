// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/authority.hpp"

#include <algorithm>
#include <charconv>

#include "dataplane/core/ascii.hpp"
#include "dataplane/core/ip_address.hpp"
#include "dataplane/core/limits.hpp"

namespace headgate::l7 {
namespace {

constexpr std::size_t kLabelBytesMax = 63;
constexpr std::size_t kPortDigitsMax = 5;

bool is_host_char(char c) { return ascii::is_alphanumeric(c) || c == '-' || c == '_'; }

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > limits::kHostnameBytesMax) return false;
  std::size_t label_bytes = 0;
  for (const char c : text) {
    if (c == '.') {
      if (label_bytes == 0) return false;
      label_bytes = 0;
    } else if (!is_host_char(c) || ++label_bytes > kLabelBytesMax) {
      return false;
    }
  }
  return label_bytes != 0;
}

bool is_bracketed_v6(std::string_view text) {
  if (text.size() < 4 || text.front() != '[' || text.back() != ']') return false;
  const auto address = IpAddress::parse(text.substr(1, text.size() - 2));
  return address && address->is_v6();
}

// ":" and digits, or nothing. RFC 3986 allows a ":" without digits.
bool parse_port(std::string_view text, std::optional<uint16_t>& port) {
  if (text.empty()) return true;
  const auto digits = text.substr(1);
  if (digits.empty()) return true;
  if (digits.size() > kPortDigitsMax) return false;
  if (!std::all_of(digits.begin(), digits.end(), ascii::is_digit)) return false;
  uint16_t value = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc{}) return false;
  port = value;
  return true;
}

std::string_view lower_case(std::string_view text, Arena& arena) {
  if (std::none_of(text.begin(), text.end(), ascii::is_upper)) return text;
  char* const copy = arena.allocate(text.size());
  std::transform(text.begin(), text.end(), copy, ascii::to_lower);
  return {copy, text.size()};
}

}  // namespace

std::optional<Authority> parse_authority(std::string_view text, Arena& arena) {
  const bool bracketed = text.starts_with('[');
  const auto host_end = bracketed ? text.find(']') : text.find(':');
  if (bracketed && host_end == std::string_view::npos) return std::nullopt;
  auto host = text.substr(0, bracketed ? host_end + 1 : host_end);
  const auto rest = text.substr(host.size());
  Authority authority;
  if (!rest.empty() && rest[0] != ':') return std::nullopt;
  if (!parse_port(rest, authority.port)) return std::nullopt;
  if (!bracketed && host.ends_with('.')) host.remove_suffix(1);  // "example.com." is the same name
  if (!(bracketed ? is_bracketed_v6(host) : is_name(host))) return std::nullopt;
  authority.host = lower_case(host, arena);
  return authority;
}

bool is_normal_host(std::string_view text) {
  return std::none_of(text.begin(), text.end(), ascii::is_upper) &&
         (text.starts_with('[') ? is_bracketed_v6(text) : is_name(text));
}

}  // namespace headgate::l7
