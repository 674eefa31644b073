// SPDX-License-Identifier: Apache-2.0
// fuzz-uses: l7
// parse_hop_context on any bytes: what is taken is written again as the same bytes, and holds only addresses,
// ports and characters that end no field.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dataplane/core/assert.hpp"
#include "dataplane/l7/authority.hpp"
#include "dataplane/l7/hop_context.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  headgate::Arena arena;
  const auto context = headgate::l7::parse_hop_context(text, arena);
  if (!context) return 0;
  const auto& facts = context->facts;
  HG_ASSERT(headgate::l7::write_hop_context(*context, arena) == text);
  HG_ASSERT(headgate::IpAddress::parse(facts.client_text) == facts.client);
  HG_ASSERT(facts.forwarded_for.starts_with(facts.client_text));
  HG_ASSERT(facts.forwarded_for.find_first_not_of("0123456789abcdefABCDEF.:, ") == std::string_view::npos);
  HG_ASSERT(facts.scheme == "http" || facts.scheme == "https");
  HG_ASSERT(facts.host.empty() || headgate::l7::parse_authority(facts.host, arena).has_value());
  HG_ASSERT(headgate::l7::is_request_id(facts.request_id) && headgate::l7::is_request_id(context->listener));
  return 0;
}
