// SPDX-License-Identifier: Apache-2.0
// The node's last good state as bytes: records of length, checksum and one Delta as JSON. A base is one
// record that is a full snapshot; a log is the deltas after it, in order. Reading takes whatever a crash, a
// full disk or a failing one left behind: what is torn or wrong ends the reading, and what stood before it
// counts. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/contract/snapshot.hpp"
#include "dataplane/core/result.hpp"

namespace headgate::node {

// A log belongs to one base: its records carry that base's checksum, so a log that a crash left beside a
// newer base is never replayed on it.
struct EncodedBase {
  std::string record;
  uint64_t checksum = 0;
};
EncodedBase encode_base(const contract::Snapshot& snapshot);
std::string encode_log_record(const contract::Delta& delta, uint64_t base_checksum);

struct LoadedState {
  contract::Snapshot snapshot;
  uint64_t base_checksum = 0;
  std::size_t log_good_bytes = 0;  // where the next record belongs: a torn tail behind it is cut off
  std::string warning;             // what was ignored and why; empty where nothing was
};

// An error where the base itself is unusable; then nothing of the state is.
Result<LoadedState> load_state(std::string_view base, std::string_view log);

}  // namespace headgate::node
