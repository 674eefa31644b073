// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/http1/field_parser.hpp"

#include <array>

#include "dataplane/core/assert.hpp"
namespace headgate::shard::http1 {
namespace {

using l7::HeaderId;

constexpr std::size_t kFieldOverheadBytes = 32;  // as HTTP/2 counts it (RFC 9113 section 6.5.2)
constexpr std::size_t kConnectionFieldsMax = 8;  // nobody sends two

Fault parse_length(std::string_view text, uint64_t& length) {
  // 18 digits stay below 2^63 and every sum of two of them below 2^64.
  if (text.empty() || text.size() > 18) return Fault::kContentLength;
  length = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return Fault::kContentLength;
    length = length * 10 + static_cast<uint64_t>(c - '0');
  }
  return Fault::kNone;
}

void read_connection(std::string_view value, Framing& framing, bool& nominates) {
  for_each_element(value, [&](std::string_view option) {
    if (equals_ignoring_case(option, "close"))
      framing.close = true;
    else if (equals_ignoring_case(option, "keep-alive"))
      framing.keep_alive = true;
    else if (equals_ignoring_case(option, "upgrade"))
      framing.upgrade = true;
    else if (!equals_ignoring_case(option, "te"))
      nominates = true;
  });
}

}  // namespace

std::string_view take_line(std::span<char>& rest) {
  const std::string_view text(rest.data(), rest.size());
  const std::size_t length_bytes = text.find('\n');  // the scanner saw it, and its CR
  rest = rest.subspan(length_bytes + 1);
  return text.substr(0, length_bytes - 1);
}

Fault parse_fields(std::span<char> rest, const HeadLimits& limits, std::size_t used_bytes,
                   l7::Headers& fields) {
  // So that every loop below stops within it: CR is neither a token nor a value.
  HG_ASSERT(rest.size() >= 2 && rest[rest.size() - 1] == '\n' && rest[rest.size() - 2] == '\r');
  const char* const end = rest.data() + rest.size();
  char* at = rest.data();
  while (at != end && *at != '\r') {
    if (*at == ' ' || *at == '\t') return Fault::kObsFold;
    char* const name = at;
    uint8_t lower = 0;
    while ((lower = kTokenLower[index_of(*at)]) != 0) *at++ = static_cast<char>(lower);
    if (*at != ':' || at == name) return Fault::kHeaderName;
    const std::string_view name_text(name, static_cast<std::size_t>(at - name));
    ++at;
    while (*at == ' ' || *at == '\t') ++at;
    char* const value = at;
    while (kFieldValue[index_of(*at)]) ++at;
    if (*at != '\r') return Fault::kHeaderValue;
    if (at + 1 == end || at[1] != '\n') return Fault::kBareCarriageReturn;
    std::string_view value_text(value, static_cast<std::size_t>(at - value));
    while (!value_text.empty() && (value_text.back() == ' ' || value_text.back() == '\t'))
      value_text.remove_suffix(1);
    used_bytes += name_text.size() + value_text.size() + kFieldOverheadBytes;
    if (used_bytes > limits.header_bytes_max) return Fault::kHeadTooLarge;
    if (fields.size() == limits.header_count_max) return Fault::kTooManyHeaders;
    fields.add({name_text, value_text, l7::header_id(name_text)});
    at += 2;
  }
  // The scanner ends a head at the first empty line, so a CR here that ends nothing is a bare one.
  return end - at == 2 ? Fault::kNone : Fault::kBareCarriageReturn;
}

Fault take_framing(l7::Headers& fields, Framing& framing) {
  bool nominates = false;
  bool hop_by_hop = false;
  std::array<std::string_view, kConnectionFieldsMax> connections;
  std::size_t connection_count = 0;
  for (const auto& field : fields) {
    if (!l7::is_hop_by_hop(field.id)) continue;
    hop_by_hop = true;
    if (field.id == HeaderId::kContentLength) {
      uint64_t length = 0;
      if (const Fault fault = parse_length(field.value, length); fault != Fault::kNone) return fault;
      if (framing.has_length && framing.length != length) return Fault::kSeveralLengths;
      framing.has_length = true;
      framing.length = length;
    } else if (field.id == HeaderId::kTransferEncoding) {
      if (framing.chunked || !equals_ignoring_case(field.value, "chunked")) return Fault::kTransferEncoding;
      framing.chunked = true;
    } else if (field.id == HeaderId::kConnection) {
      if (connection_count == connections.size()) return Fault::kConnection;
      connections[connection_count++] = field.value;
      read_connection(field.value, framing, nominates);
    } else if (field.id == HeaderId::kUpgrade) {
      framing.upgrade_websocket = equals_ignoring_case(field.value, "websocket");
    } else if (field.id == HeaderId::kTe) {
      for_each_element(field.value, [&](std::string_view coding) {
        if (equals_ignoring_case(coding, "trailers")) framing.te_trailers = true;
      });
    }
  }
  if (framing.has_length && framing.chunked) return Fault::kLengthAndEncoding;
  if (nominates) {
    for (std::size_t i = 0; i < connection_count; ++i)
      for_each_element(connections[i], [&](std::string_view option) {
        // What the proxy itself reads or sets (every name that it knows), and what proxies in front say, is
        // not the sender's to take away.
        fields.remove_if([option](const l7::Header& field) {
          return field.id == HeaderId::kOther && equals_ignoring_case(option, field.name) &&
                 !field.name.starts_with("x-forwarded-");
        });
      });
  }
  if (hop_by_hop) fields.remove_if([](const l7::Header& field) { return l7::is_hop_by_hop(field.id); });
  return Fault::kNone;
}

}  // namespace headgate::shard::http1
