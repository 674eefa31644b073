// SPDX-License-Identifier: Apache-2.0
// What headgate-l4 is asked to capture of a listener's packets, and what it answers: the bodies of the
// command "capture" (message.hpp), and with the same question of "end_capture", which nobody waits for. Plain
// values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>

#include "dataplane/contract/bytes.hpp"
#include "dataplane/contract/fields.hpp"
#include "dataplane/contract/objects.hpp"
#include "dataplane/core/ip_address.hpp"

namespace headgate::contract {

struct CaptureQuestion {
  std::string id;                      // told from any other by it
  std::string listener;                // its name, for the file
  Endpoint reached;                    // its address and port
  Protocol protocol = Protocol::kTcp;  // kTcp or kUdp only
  std::string filter;                  // as tcpdump takes it; empty: all
  uint32_t count = 0;                  // of packets, each as received and as sent
  Millis duration{0};
  uint32_t snap_bytes = 0;  // of each packet, its beginning

  static constexpr auto kFields = std::tuple{field("id", &CaptureQuestion::id),
                                             field("listener", &CaptureQuestion::listener),
                                             field("reached", &CaptureQuestion::reached),
                                             field("protocol", &CaptureQuestion::protocol),
                                             field("filter", &CaptureQuestion::filter),
                                             field("count", &CaptureQuestion::count),
                                             field("duration", &CaptureQuestion::duration),
                                             field("snap_bytes", &CaptureQuestion::snap_bytes)};
  friend bool operator==(const CaptureQuestion&, const CaptureQuestion&) = default;
};

enum class CaptureRefusal : uint8_t {
  kNone,
  kFilterInvalid,
  kUnderWay,  // another is: one at a time
};

enum class CaptureEnd : uint8_t {
  kCount,
  kDuration,
  kBytes,    // the file is as large as it may be
  kStopped,  // by "end_capture"
};

struct CaptureAnswer {
  CaptureRefusal refusal = CaptureRefusal::kNone;
  std::string reason = {};  // of the refusal
  CaptureEnd ended_by = CaptureEnd::kCount;
  uint32_t packets = 0;
  uint64_t lost = 0;  // that were of the listener and the filter, and came faster than they were written
  Bytes pcapng = {};

  static constexpr auto kFields =
      std::tuple{field("refusal", &CaptureAnswer::refusal),   field("reason", &CaptureAnswer::reason),
                 field("ended_by", &CaptureAnswer::ended_by), field("packets", &CaptureAnswer::packets),
                 field("lost", &CaptureAnswer::lost),         field("pcapng", &CaptureAnswer::pcapng)};
  friend bool operator==(const CaptureAnswer&, const CaptureAnswer&) = default;
};

}  // namespace headgate::contract
