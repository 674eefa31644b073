// SPDX-License-Identifier: Apache-2.0
// fuzz-uses: node core
// What an echo's raw socket takes in, from anybody: of it a reply is what the request was but for type and
// checksum, and an error's quote begins as it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/core/assert.hpp"
#include "dataplane/node/health/echo.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size_bytes) {
  using namespace headgate;
  using namespace headgate::node;
  const auto packet = std::as_bytes(std::span(data, size_bytes));
  for (const bool is_v6 : {false, true}) {
    Echo echo{.is_v6 = is_v6, .id = 0x1234, .sequence = 0, .payload = {}};
    const auto request = echo_request(echo);
    const auto message = is_v6 ? packet : past_ipv4_header(packet);
    HG_ASSERT(message.size() <= packet.size());
    if (is_reply_to(echo, message)) {
      HG_ASSERT(message.size() == request.size() && !is_request_of(echo, message));
      HG_ASSERT(std::equal(request.begin() + 4, request.end(), message.begin() + 4));
    }
    if (is_request_of(echo, message))
      HG_ASSERT(std::equal(request.begin() + 4, request.begin() + 8, message.begin() + 4));
  }
  return 0;
}
