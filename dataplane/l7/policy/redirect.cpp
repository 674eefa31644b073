// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/policy/redirect.hpp"

#include <charconv>

#include "dataplane/l7/policy/path_edit.hpp"

namespace headgate::l7::policy {
namespace {

std::string_view well_known_port(std::string_view scheme) {
  if (scheme == "http") return "80";
  return scheme == "https" ? "443" : "";
}

std::string_view port_text(uint16_t port, Arena& arena) {
  constexpr std::size_t kDigitsMax = 5;
  char* const begin = arena.allocate(kDigitsMax);
  char* const end = std::to_chars(begin, begin + kDigitsMax, port).ptr;
  arena.shrink_last(end);
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace

std::string_view redirect_location(const contract::Redirect& redirect, const RequestHead& request,
                                   const ForwardedFacts& facts, std::optional<std::string_view> matched,
                                   Arena& arena) {
  const std::string_view scheme = redirect.scheme.empty() ? facts.scheme : redirect.scheme;
  const std::string_view host = redirect.hostname.empty() ? request.host : redirect.hostname;
  std::string_view port = facts.port;
  if (redirect.port != 0)
    port = port_text(redirect.port, arena);
  else if (!redirect.scheme.empty())
    port = well_known_port(scheme);
  if (port == well_known_port(scheme)) port = {};
  const auto path = redirect.path ? edited_path(*redirect.path, request.path, matched, arena) : request.path;
  // HTTP/1.0 names no host: then the client knows better where it is (RFC 9110 section 10.2.2).
  if (host.empty()) return arena.join({path, request.query ? "?" : "", request.query.value_or("")});
  return arena.join({scheme, "://", host, port.empty() ? "" : ":", port, path, request.query ? "?" : "",
                     request.query.value_or("")});
}

}  // namespace headgate::l7::policy
