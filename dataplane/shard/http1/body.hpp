// SPDX-License-Identifier: Apache-2.0
// BodyReader: takes the framing off a body, piece by piece, in place. BodyWriter: puts the other side's
// framing on and queues the piece. Between them a body is data and an end, whatever either side speaks.
// Thread: the exchange's.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "dataplane/core/arena.hpp"
#include "dataplane/l7/http_message.hpp"
#include "dataplane/shard/body_piece.hpp"
#include "dataplane/shard/http1/chunked_decoder.hpp"
#include "dataplane/shard/http1/serialise.hpp"
#include "dataplane/shard/outbox.hpp"

namespace headgate::shard::http1 {

class BodyReader {
 public:
  struct Piece {
    std::size_t consumed_bytes = 0;
    std::string_view data;  // in the bytes that were handed in
    bool done = false;
    Fault fault = Fault::kNone;
  };

  void start(l7::BodyFraming framing, uint64_t content_length);
  bool done() const { return done_; }
  // Of what was read all that belongs to the body: what is behind is another message's.
  Piece take(std::span<char> bytes);
  // Of a body whose length was said: what is still to come, and that so much of it has passed elsewhere.
  uint64_t left_bytes() const { return framing_ == l7::BodyFraming::kLength ? left_bytes_ : 0; }
  void pass(uint64_t bytes);
  // The stream has ended. False: inside the body.
  [[nodiscard]] bool take_end();
  std::span<char> trailers() { return chunked_.trailers(); }

 private:
  l7::BodyFraming framing_ = l7::BodyFraming::kNone;
  bool done_ = true;
  uint64_t left_bytes_ = 0;
  ChunkedDecoder chunked_;
};

class BodyWriter {
 public:
  void start(l7::BodyFraming framing) { framing_ = framing; }
  l7::BodyFraming framing() const { return framing_; }
  // The bytes stay where they are until the outbox is empty; the last chunk is written into `arena`.
  void write(const BodyPiece& piece, Arena& arena, Outbox& outbox);

 private:
  l7::BodyFraming framing_ = l7::BodyFraming::kNone;
  std::array<char, kChunkHeadBytesMax> chunk_head_{};
};

}  // namespace headgate::shard::http1
