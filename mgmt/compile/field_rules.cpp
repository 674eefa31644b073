// SPDX-License-Identifier: Apache-2.0
#include "mgmt/compile/field_rules.hpp"

#include <algorithm>

#include "dataplane/core/ascii.hpp"
#include "dataplane/l7/http_message.hpp"

namespace headgate::compile {

// Section 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return ascii::is_alphanumeric(c) || kMarks.find(c) != std::string_view::npos;
  });
}

// Section 5.5.
bool is_field_value(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  if (!text.empty() && (is_space(text.front()) || is_space(text.back()))) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

std::string_view fault_of_routed_name(std::string_view name) {
  using l7::HeaderId;
  const HeaderId id = l7::header_id(name);
  if (id == HeaderId::kConnection || id == HeaderId::kUpgrade)
    return "concerns one connection, and no request has it when it is routed; a WebSocket's has "
           "sec-websocket-version: 13";
  if (id == HeaderId::kExpect || l7::is_hop_by_hop(id))
    return "concerns one connection and its framing, and no request has it when it is routed; method, path, "
           "query and other headers can tell requests apart";
  if (id == HeaderId::kForwarded || name == "x-real-ip")
    return "is taken off before a request is routed, for any client can write it; x-forwarded-for tells the "
           "client";
  if (id == HeaderId::kHeadgateContext)
    return "is between shards alone, and no request has it when it is routed";
  return "";
}

}  // namespace headgate::compile
