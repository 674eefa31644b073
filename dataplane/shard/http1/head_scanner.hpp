// SPDX-License-Identifier: Apache-2.0
// HeadScanner: finds where a head ends in bytes that arrive piece by piece, looking at each byte once. A bare
// line feed is refused as soon as it is seen, so that a peer that speaks something else is not kept waiting
// until the header deadline. Thread: the connection's.
#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>

#include "dataplane/shard/http1/syntax.hpp"

namespace headgate::shard::http1 {

class HeadScanner {
 public:
  enum class State : uint8_t { kPartial, kWhole, kRefused };

  // `head`: all bytes from the first of the message on, those of earlier calls among them.
  State scan(std::string_view head) {
    while (scanned_bytes_ < head.size()) {
      const void* found = std::memchr(head.data() + scanned_bytes_, '\n', head.size() - scanned_bytes_);
      if (!found) {
        scanned_bytes_ = head.size();
        return State::kPartial;
      }
      const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - head.data());
      if (at == 0 || head[at - 1] != '\r') return State::kRefused;
      const bool empty_line = at - 1 == line_begin_;
      line_begin_ = scanned_bytes_ = at + 1;
      if (empty_line && lines_ > 0) return State::kWhole;
      // RFC 9112 section 2.2: an empty line before the first one is skipped; one, not any number of them.
      if (empty_line && skipped_bytes_ > 0) return State::kRefused;
      if (empty_line)
        skipped_bytes_ = line_begin_;
      else
        ++lines_;
    }
    return State::kPartial;
  }

  std::size_t begin_bytes() const { return skipped_bytes_; }  // where the first line starts
  std::size_t end_bytes() const { return line_begin_; }       // after the empty line, where kWhole
  bool first_line_seen() const { return lines_ > 0; }

 private:
  std::size_t scanned_bytes_ = 0;
  std::size_t line_begin_ = 0;
  std::size_t skipped_bytes_ = 0;
  std::size_t lines_ = 0;
};

}  // namespace headgate::shard::http1
