// SPDX-License-Identifier: Apache-2.0
// fuzz-uses: contract
// Whatever the decoder takes, it must write again and take again, to the same text: nothing is read that
// cannot be said.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dataplane/contract/codec.hpp"
#include "dataplane/core/assert.hpp"

using namespace headgate::contract;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size_bytes) {
  const std::string_view text(reinterpret_cast<const char*>(data), size_bytes);
  if (const auto message = decode_message(text); message.ok()) {
    const auto once = encode(*message);
    const auto again = decode_message(once);
    HG_ASSERT(again.ok());
    HG_ASSERT(encode(*again) == once);
  }
  if (const auto report = decode_node_report(text); report.ok())
    HG_ASSERT(decode_node_report(encode(*report)).ok());
  if (const auto answer = decode_capture_answer(text); answer.ok())
    HG_ASSERT(*decode_capture_answer(encode(*answer)) == *answer);
  if (const auto delta = decode_delta(text); delta.ok()) HG_ASSERT(decode_delta(encode(*delta)).ok());
  return 0;
}
