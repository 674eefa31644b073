// SPDX-License-Identifier: Apache-2.0
// WallClock: the time of day as text for Date fields and the access log, formatted once a second or
// millisecond and not once a request. Thread: one.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace headgate::shard {

class WallClock {
 public:
  void set(int64_t unix_ms);
  std::string_view http_date() const { return {date_.data(), kDateBytes}; }  // RFC 9110 section 5.6.7
  std::string_view iso_time() const { return {iso_.data(), kIsoBytes}; }     // RFC 3339, UTC, milliseconds

 private:
  static constexpr std::size_t kDateBytes = 29;
  static constexpr std::size_t kIsoBytes = 24;
  int64_t unix_s_ = -1;
  std::array<char, kDateBytes + 1> date_{};
  std::array<char, kIsoBytes + 1> iso_{};
};

}  // namespace headgate::shard
