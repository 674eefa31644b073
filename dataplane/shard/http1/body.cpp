// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/http1/body.hpp"

#include <algorithm>

namespace headgate::shard::http1 {

using l7::BodyFraming;

void BodyReader::start(BodyFraming framing, uint64_t content_length) {
  framing_ = framing;
  left_bytes_ = content_length;
  done_ = framing == BodyFraming::kNone || (framing == BodyFraming::kLength && content_length == 0);
  if (framing == BodyFraming::kChunked) chunked_.reset();
}

BodyReader::Piece BodyReader::take(std::span<char> bytes) {
  Piece piece;
  if (done_) {
    piece.done = true;
    return piece;
  }
  if (framing_ == BodyFraming::kChunked) {
    const auto step = chunked_.decode(bytes);
    piece = {step.consumed_bytes, {bytes.data(), step.data_bytes}, step.done, step.fault};
  } else {
    piece.consumed_bytes = bytes.size();
    if (framing_ == BodyFraming::kLength)
      piece.consumed_bytes = std::min<uint64_t>(left_bytes_, bytes.size());
    piece.data = {bytes.data(), piece.consumed_bytes};
    if (framing_ == BodyFraming::kLength) {
      left_bytes_ -= piece.consumed_bytes;
      piece.done = left_bytes_ == 0;
    }
  }
  done_ = piece.done;
  return piece;
}

void BodyReader::pass(uint64_t bytes) {
  left_bytes_ -= bytes;
  done_ = left_bytes_ == 0;
}

bool BodyReader::take_end() {
  done_ = done_ || framing_ == BodyFraming::kUntilClose;
  return done_;
}

void BodyWriter::write(const BodyPiece& piece, Arena& arena, Outbox& outbox) {
  if (framing_ != BodyFraming::kChunked) return outbox.add(piece.data);
  if (!piece.data.empty()) {
    const char* const end = write_chunk_head(piece.data.size(), chunk_head_.data());
    outbox.add({chunk_head_.data(), static_cast<std::size_t>(end - chunk_head_.data())});
    outbox.add(piece.data);
    outbox.add("\r\n");
  }
  if (!piece.end) return;
  static const l7::Headers kNoTrailers;
  const auto& trailers = piece.trailers ? *piece.trailers : kNoTrailers;
  char* const out = arena.allocate(trailers_bytes_max(trailers));
  char* const end = write_last_chunk(trailers, out);
  arena.shrink_last(end);
  outbox.add({out, static_cast<std::size_t>(end - out)});
}

}  // namespace headgate::shard::http1
