// SPDX-License-Identifier: Apache-2.0
// fuzz-uses: l7 core
// A rewrite of any path by any replacement forwards a path in normal form, or nothing.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/core/assert.hpp"
#include "dataplane/l7/path.hpp"
#include "dataplane/l7/policy/policy.hpp"

using namespace headgate;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const bool full = data[0] & 1;
  std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto replacement = rest.substr(0, rest.find('\0'));
  rest.remove_prefix(std::min(replacement.size() + 1, rest.size()));

  Arena arena;
  const auto asked = l7::normalise_path(rest, l7::EscapedSlash::kKeep, arena);
  if (!asked.ok()) return 0;
  contract::Filters filters;
  filters.rewrite.emplace().path = contract::PathEdit{
      full ? contract::PathEditType::kFull : contract::PathEditType::kPrefix, std::string(replacement)};
  const l7::policy::Policy policy{contract::Boxed<contract::Filters>(filters)};
  const l7::ForwardedFacts facts;
  l7::RequestHead request;
  request.path = asked.path;
  l7::ResponseHead answer;
  const auto matched = asked.path.substr(0, std::min<std::size_t>(data[1], asked.path.size()));
  const auto verdict =
      l7::policy::filter_request(policy, l7::policy::Blocks::all(), {facts, matched}, request, answer, arena);
  if (verdict.answered_by != l7::policy::Filter::kNone) return 0;
  const auto again = l7::normalise_path(request.path, l7::EscapedSlash::kKeep, arena);
  HG_ASSERT(again.ok() && again.path == request.path);
  return 0;
}
