// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/wall_clock.hpp"

#include <cstring>
#include <ctime>

namespace headgate::shard {

void WallClock::set(int64_t unix_ms) {
  const int64_t unix_s = unix_ms / 1000;
  if (unix_s != unix_s_) {
    unix_s_ = unix_s;
    const std::time_t seconds = unix_s;
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    // The C locale's names: the process never sets another one.
    std::strftime(date_.data(), date_.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    std::strftime(iso_.data(), iso_.size(), "%Y-%m-%dT%H:%M:%S", &utc);
    std::memcpy(iso_.data() + 19, ".000Z", 5);
  }
  const auto ms = static_cast<unsigned>(unix_ms % 1000);
  iso_[20] = static_cast<char>('0' + ms / 100);
  iso_[21] = static_cast<char>('0' + ms / 10 % 10);
  iso_[22] = static_cast<char>('0' + ms % 10);
}

}  // namespace headgate::shard
