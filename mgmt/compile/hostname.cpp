// SPDX-License-Identifier: Apache-2.0
#include "mgmt/compile/hostname.hpp"

#include <algorithm>

#include "dataplane/core/ascii.hpp"
#include "dataplane/core/ip_address.hpp"
#include "dataplane/core/limits.hpp"

namespace headgate::compile {
namespace {

constexpr std::size_t kHostnameLabelBytesMax = 63;

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= kHostnameLabelBytesMax && ascii::is_alphanumeric(label.front()) &&
         ascii::is_alphanumeric(label.back()) && std::all_of(label.begin(), label.end(), [](char c) {
           return ascii::is_alphanumeric(c) || c == '-';
         });
}

bool is_wildcard(std::string_view hostname) { return hostname.starts_with("*."); }

}  // namespace

std::optional<std::string> parse_dns_name(std::string_view text) {
  if (text.empty() || text.size() > limits::kHostnameBytesMax) return std::nullopt;
  std::string name = ascii::lowered(text);
  std::string_view rest = name;
  std::string_view last;
  for (bool more = true; more;) {
    const auto dot = rest.find('.');
    last = rest.substr(0, dot);
    if (!is_label(last)) return std::nullopt;
    more = dot != std::string_view::npos;
    if (more) rest.remove_prefix(dot + 1);
  }
  // An all-numeric last label is an address that someone mistyped (RFC 3696 section 2), "10.0.0.256".
  if (std::all_of(last.begin(), last.end(), ascii::is_digit)) return std::nullopt;
  return name;
}

std::optional<std::string> parse_hostname(std::string_view text) {
  if (!is_wildcard(text)) return parse_dns_name(text);
  const auto parent = parse_dns_name(text.substr(2));
  if (!parent) return std::nullopt;
  return "*." + *parent;
}

bool covers(std::string_view outer, std::string_view inner) {
  if (outer.empty() || outer == inner) return true;
  if (inner.empty() || !is_wildcard(outer)) return false;
  const auto suffix = outer.substr(1);  // ".example.com"
  const auto bare = is_wildcard(inner) ? inner.substr(1) : inner;
  return bare.size() > suffix.size() && bare.ends_with(suffix);
}

bool intersects(std::string_view a, std::string_view b) {
  return a.empty() || b.empty() || covers(a, b) || covers(b, a);
}

}  // namespace headgate::compile
