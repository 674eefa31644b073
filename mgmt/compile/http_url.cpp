// SPDX-License-Identifier: Apache-2.0
#include "mgmt/compile/http_url.hpp"

#include <algorithm>

#include "dataplane/core/arena.hpp"
#include "dataplane/l7/authority.hpp"

namespace headgate::compile {

bool is_http_url(std::string_view text) {
  if (text.starts_with("http://"))
    text.remove_prefix(7);
  else if (text.starts_with("https://"))
    text.remove_prefix(8);
  else
    return false;
  const auto end = std::min(text.find_first_of("/?#"), text.size());
  const auto rest = text.substr(end);
  Arena arena;
  const auto authority = l7::parse_authority(text.substr(0, end), arena);
  if (!authority || authority->host.empty() || authority->port == 0) return false;
  return std::all_of(rest.begin(), rest.end(), [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
}

}  // namespace headgate::compile
