// SPDX-License-Identifier: Apache-2.0
// fuzz-uses: l7
// parse_authority on any bytes: the host that comes out is normal, and is what it gives for itself.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dataplane/core/assert.hpp"
#include "dataplane/l7/authority.hpp"
#include "dataplane/l7/host_pattern.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  headgate::Arena arena;
  const auto authority = headgate::l7::parse_authority(text, arena);
  if (authority) {
    HG_ASSERT(headgate::l7::is_normal_host(authority->host));
    const auto again = headgate::l7::parse_authority(authority->host, arena);
    HG_ASSERT(again && again->host == authority->host && !again->port);
    const headgate::l7::HostSuffixes suffixes(authority->host);
    HG_ASSERT(suffixes.text(suffixes.labels()) == authority->host);
  }
  if (const auto pattern = headgate::l7::HostPattern::parse(text))
    HG_ASSERT(pattern->kind == headgate::l7::HostKind::kAny || headgate::l7::is_normal_host(pattern->name));
  return 0;
}
