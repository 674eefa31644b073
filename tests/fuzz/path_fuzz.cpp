// SPDX-License-Identifier: Apache-2.0
// fuzz-uses: l7
// normalise_path on any bytes: what it accepts is a fixed point, without dot segments or separators in
// disguise, and no longer than what came.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dataplane/core/assert.hpp"
#include "dataplane/l7/path.hpp"

namespace {

using headgate::l7::EscapedSlash;

void check_segment(std::string_view segment, EscapedSlash mode) {
  HG_ASSERT(segment != "." && segment != "..");
  HG_ASSERT(!segment.starts_with(".;") && !segment.starts_with("..;"));
  HG_ASSERT(mode == EscapedSlash::kKeep || segment.find("%2F") == std::string_view::npos);
  HG_ASSERT(segment.find("%2f") == std::string_view::npos);
  HG_ASSERT(segment.find("%2E") == std::string_view::npos && segment.find("%00") == std::string_view::npos);
  HG_ASSERT(segment.find('\\') == std::string_view::npos && segment.find("%5C") == std::string_view::npos);
}

void check(std::string_view raw, EscapedSlash mode) {
  headgate::Arena arena;
  const auto once = headgate::l7::normalise_path(raw, mode, arena);
  if (!once.ok()) return;
  HG_ASSERT(once.path.starts_with('/') && once.path.size() <= raw.size());
  for (std::size_t begin = 1; begin <= once.path.size();) {
    const auto end = std::min(once.path.find('/', begin), once.path.size());
    check_segment(once.path.substr(begin, end - begin), mode);
    begin = end + 1;
  }
  const auto twice = headgate::l7::normalise_path(once.path, mode, arena);
  HG_ASSERT(twice.ok() && twice.path == once.path);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view raw(reinterpret_cast<const char*>(data), size);
  check(raw, EscapedSlash::kRefuse);
  check(raw, EscapedSlash::kKeep);
  return 0;
}
