// fuzz-uses: node
// SPDX-License-Identifier: Apache-2.0
// The loader of the state on disk: whatever a failing disk left there, it loads a state or says why not, and
// what it loads it writes and loads again the same. Input: the base, 0xff 0xfe 0xff, the log.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "dataplane/node/state_records.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace headgate;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto split = input.find("\xff\xfe\xff");
  const auto base = input.substr(0, split);
  const auto log = split == std::string_view::npos ? std::string_view() : input.substr(split + 3);
  const auto state = node::load_state(base, log);
  if (!state.ok()) return 0;
  if (state->log_good_bytes > log.size()) std::abort();
  const auto again = node::load_state(node::encode_base(state->snapshot).record, "");
  if (!again.ok() || !(again->snapshot == state->snapshot)) std::abort();
  return 0;
}
