// SPDX-License-Identifier: Apache-2.0
// ChunkedDecoder: takes the chunked coding (RFC 9112 section 7.1) off a body that arrives piece by piece.
// What comes out is moved to the front of the piece, so that a read that held forty chunks is written as one.
// Sizes are hex digits alone; extensions are bounded and dropped; trailers are collected, bounded. Thread:
// the connection's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "dataplane/shard/http1/syntax.hpp"

namespace headgate::shard::http1 {

class ChunkedDecoder {
 public:
  struct Step {
    std::size_t consumed_bytes = 0;  // of the piece; what is behind belongs to the next message
    std::size_t data_bytes = 0;      // of body, now at the front of the piece
    bool done = false;
    Fault fault = Fault::kNone;
  };

  // Takes all of `piece`, or up to the end of the body.
  Step decode(std::span<char> piece);
  // After done: the trailer section with its empty line, "\r\n" where there were none.
  std::span<char> trailers() { return trailers_; }
  void reset();

 private:
  enum class State : uint8_t {
    kSizeFirst,
    kSize,
    kExtension,
    kSizeLineFeed,
    kData,
    kDataCarriageReturn,
    kDataLineFeed,
    kTrailer,
    kDone
  };
  [[nodiscard]] Fault take(char c);
  [[nodiscard]] Fault take_size(char c);
  [[nodiscard]] Fault take_trailer(char c);

  State state_ = State::kSizeFirst;
  uint64_t left_bytes_ = 0;  // of the chunk's data; while in kSize: what the digits say so far
  unsigned digits_ = 0;
  std::size_t extension_bytes_ = 0;  // of the whole body
  std::size_t trailer_line_bytes_ = 0;
  std::string trailers_;
};

}  // namespace headgate::shard::http1
