// SPDX-License-Identifier: Apache-2.0
// fuzz-uses: l7
// parse_traceparent on any bytes: what is taken is written again as a context that is parsed to the same, and
// of our own version byte for byte but for flags that nobody knows.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dataplane/core/assert.hpp"
#include "dataplane/l7/trace_context.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace headgate::l7;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  headgate::Arena arena;
  const auto context = parse_traceparent(text);
  if (!context) return 0;
  HG_ASSERT((context->trace_high != 0 || context->trace_low != 0) && context->span != 0);
  const auto written = write_traceparent(*context, arena);
  HG_ASSERT(parse_traceparent(written) == context);
  HG_ASSERT(trace_id_of(written) == trace_id_of(text) && span_id_of(written) == span_id_of(text));
  HG_ASSERT(!text.starts_with("00") || text.size() == kTraceparentBytes);
  return 0;
}
