// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/hash_key.hpp"

#include <string_view>

#include "dataplane/l7/cookie.hpp"
#include "dataplane/l7/hash.hpp"

namespace headgate::l7 {
namespace {

std::optional<std::string_view> find_parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto pair = query.substr(0, end);
    const auto equals = pair.find('=');
    if (pair.substr(0, equals) == name)
      return equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    if (end == std::string_view::npos) break;
    query.remove_prefix(end + 1);
  }
  return std::nullopt;
}

std::optional<std::string_view> text_of(const contract::HashKey& key, const RequestHead& request) {
  using contract::HashSource;
  switch (key.source) {
    case HashSource::kHeader:
      if (key.name == "host") return request.host;  // framing, and so no header any more
      if (const auto* field = request.headers.find(key.name)) return field->value;
      return std::nullopt;
    case HashSource::kCookie:
      return find_cookie(request.headers, key.name);
    case HashSource::kPath:
      return request.path;
    case HashSource::kQuery:
      return request.query ? find_parameter(*request.query, key.name) : std::nullopt;
    case HashSource::kSourceAddress:
      break;
  }
  return std::nullopt;
}

}  // namespace

std::optional<uint64_t> hash_key_of(const contract::HashKey& key, const RequestHead& request,
                                    const IpAddress& client) {
  if (key.source == contract::HashSource::kSourceAddress) {
    const auto bytes = client.bytes();
    return hash_text({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  const auto text = text_of(key, request);
  return text ? std::optional(hash_text(*text)) : std::nullopt;
}

}  // namespace headgate::l7
