// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/http1/chunked_decoder.hpp"

#include <algorithm>
#include <cstring>

#include "dataplane/core/ascii.hpp"
#include "dataplane/core/limits.hpp"

namespace headgate::shard::http1 {
namespace {

constexpr unsigned kSizeDigitsMax = 15;  // leading zeros count: below 2^60

}  // namespace

void ChunkedDecoder::reset() {
  state_ = State::kSizeFirst;
  left_bytes_ = 0;
  digits_ = 0;
  extension_bytes_ = 0;
  trailer_line_bytes_ = 0;
  trailers_.clear();
}

ChunkedDecoder::Step ChunkedDecoder::decode(std::span<char> piece) {
  Step step;
  while (step.consumed_bytes < piece.size() && state_ != State::kDone) {
    if (state_ == State::kData) {
      const std::size_t length_bytes = std::min<uint64_t>(left_bytes_, piece.size() - step.consumed_bytes);
      if (step.data_bytes != step.consumed_bytes)
        std::memmove(piece.data() + step.data_bytes, piece.data() + step.consumed_bytes, length_bytes);
      step.data_bytes += length_bytes;
      step.consumed_bytes += length_bytes;
      left_bytes_ -= length_bytes;
      if (left_bytes_ == 0) state_ = State::kDataCarriageReturn;
      continue;
    }
    step.fault = take(piece[step.consumed_bytes++]);
    if (step.fault != Fault::kNone) return step;
  }
  step.done = state_ == State::kDone;
  return step;
}

Fault ChunkedDecoder::take(char c) {
  switch (state_) {
    case State::kSizeFirst:
    case State::kSize:
      return take_size(c);
    case State::kExtension:
      if (c == '\r')
        state_ = State::kSizeLineFeed;
      else if (!kFieldValue[index_of(c)] || ++extension_bytes_ > limits::kChunkExtensionBytesMax)
        return Fault::kChunkExtension;
      return Fault::kNone;
    case State::kSizeLineFeed:
      if (c != '\n') return Fault::kBareCarriageReturn;
      state_ = left_bytes_ > 0 ? State::kData : State::kTrailer;
      return Fault::kNone;
    case State::kDataCarriageReturn:
      if (c != '\r') return Fault::kChunkEnd;
      state_ = State::kDataLineFeed;
      return Fault::kNone;
    case State::kDataLineFeed:
      if (c != '\n') return Fault::kChunkEnd;
      state_ = State::kSizeFirst;
      return Fault::kNone;
    case State::kTrailer:
      return take_trailer(c);
    case State::kData:
    case State::kDone:
      break;
  }
  return Fault::kChunkEnd;
}

Fault ChunkedDecoder::take_size(char c) {
  if (const int digit = ascii::hex_digit(c); digit >= 0) {
    if (state_ == State::kSizeFirst) left_bytes_ = digits_ = 0;
    if (++digits_ > kSizeDigitsMax) return Fault::kChunkSize;
    left_bytes_ = left_bytes_ << 4 | static_cast<uint64_t>(digit);
    state_ = State::kSize;
    return Fault::kNone;
  }
  if (state_ == State::kSizeFirst) return Fault::kChunkSize;
  if (c == '\r')
    state_ = State::kSizeLineFeed;
  else if (c == ';')
    state_ = State::kExtension;
  else
    return c == '\n' ? Fault::kBareLineFeed : Fault::kChunkSize;
  return Fault::kNone;
}

Fault ChunkedDecoder::take_trailer(char c) {
  if (trailers_.size() >= limits::kTrailerBytesMax) return Fault::kTrailer;
  trailers_.push_back(c);
  if (c != '\n') {
    ++trailer_line_bytes_;
    return Fault::kNone;
  }
  if (trailer_line_bytes_ == 0 || trailers_[trailers_.size() - 2] != '\r') return Fault::kBareLineFeed;
  if (trailer_line_bytes_ == 1) state_ = State::kDone;
  trailer_line_bytes_ = 0;
  return Fault::kNone;
}

}  // namespace headgate::shard::http1
