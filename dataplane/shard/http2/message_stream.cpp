// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/http2/message_stream.hpp"

#include <algorithm>
#include <cstring>

#include "dataplane/core/assert.hpp"
#include "dataplane/shard/http2/session.hpp"

namespace headgate::shard::http2 {

void MessageStream::enter(Session& session, int32_t id) {
  session_ = &session;
  id_ = id;
  in_ended_ = out_begun_ = out_ended_ = end_sent_ = deferred_ = closed_ = given_end_ = flushing_ = keeping_ =
      ready_ = false;
  first_ = true;
  in_fault_ = http1::Fault::kNone;
  error_code_ = 0;
  sent_frame_bytes_ = 0;
  unconsumed_bytes_ = 0;
  in_bytes_ = 0;
  expected_bytes_.reset();
  trailers_.clear();
  out_ = {};
}

void MessageStream::leave() {
  reading_.reset();
  filling_.reset();
  kept_.reset();
  detach();
}

void MessageStream::detach() {
  if (session_) session_->forget(*this, unconsumed_bytes_);
  session_ = nullptr;
  closed_ = true;
}

void MessageStream::take_data(std::string_view data) {
  in_bytes_ += data.size();
  unconsumed_bytes_ += data.size();
  // Not one byte more than was said may reach the other leg: over HTTP/1.1 it would begin another message.
  if (expected_bytes_ && in_bytes_ > *expected_bytes_) return break_in(http1::Fault::kBodyLength);
  auto& blocks = session_->blocks();
  if (!filling_)
    filling_ = blocks.take(data.size() <= limits::kSmallBlockBytes ? limits::kSmallBlockBytes
                                                                   : limits::kLargeBlockBytes);
  if (filling_->room().size() < data.size()) {
    BlockPtr larger = blocks.take(limits::kLargeBlockBytes);
    std::memcpy(larger->bytes.get(), filling_->bytes.get(), filling_->filled_bytes);
    larger->filled_bytes = filling_->filled_bytes;
    filling_ = std::move(larger);
  }
  // The library holds the peer to the window, which is smaller than a large block.
  HG_ASSERT(filling_->room().size() >= data.size());
  std::memcpy(filling_->room().data(), data.data(), data.size());
  filling_->filled_bytes += data.size();
  session_->mark_ready(*this);
}

// RFC 9113 section 8.1.1: a body that is not as long as it was said to be is malformed.
void MessageStream::end_data() {
  if (expected_bytes_ && *expected_bytes_ != in_bytes_) return break_in(http1::Fault::kBodyLength);
  in_ended_ = true;
  session_->mark_ready(*this);
}

void MessageStream::break_in(http1::Fault fault) {
  in_fault_ = fault;
  session_->mark_ready(*this);
}

void MessageStream::note_end_sent() {
  end_sent_ = true;
  if (!flushing_) session_->mark_ready(*this);
}

void MessageStream::take_close(uint32_t error_code) {
  closed_ = true;
  error_code_ = error_code;
  if (!in_ended_ || !end_sent_) session_->mark_ready(*this);
}

void MessageStream::release_read() {
  if (!reading_) return;
  const std::size_t bytes = reading_->filled_bytes;
  unconsumed_bytes_ -= bytes;
  if (session_) session_->consume(*this, bytes);
  if (keeping_)
    kept_ = std::move(reading_);
  else
    reading_.reset();
  keeping_ = false;
}

Flow MessageStream::read_piece(BodyPiece& piece) {
  release_read();
  if ((closed_ && !in_ended_) || in_fault_ != http1::Fault::kNone) return Flow::kFailed;
  if (!filling_ && !in_ended_) return Flow::kBlocked;
  piece = {};
  // A small first piece is worth its memory; a large one would be held by every upload.
  piece.kept = first_ && (!filling_ || filling_->capacity_bytes == limits::kSmallBlockBytes);
  first_ = false;
  if (filling_) {
    reading_ = std::move(filling_);
    piece.data = reading_->text_from(0);
    keeping_ = piece.kept;
  }
  piece.end = in_ended_;
  if (in_ended_) piece.trailers = &trailers_;
  return Flow::kMoved;
}

void MessageStream::put_piece(const BodyPiece& piece) { out_ = piece; }

std::optional<MessageStream::Given> MessageStream::give(std::size_t length_bytes) {
  if (!out_pending()) {
    deferred_ = true;
    return std::nullopt;
  }
  Given given{.bytes = std::min(length_bytes, out_.data.size())};
  given.end = out_.end && given.bytes == out_.data.size();
  if (given.end && out_.trailers && !out_.trailers->empty()) given.trailers = out_.trailers;
  given_end_ = given.end;
  out_ended_ = given.end && given.bytes == 0;  // nothing more is asked of us for it
  return given;
}

void MessageStream::wrote(std::size_t bytes) {
  out_.data.remove_prefix(bytes);
  out_ended_ = given_end_;
  if (!out_pending() && !flushing_) session_->mark_ready(*this);
}

void MessageStream::write_out() {
  if (closed_) return;
  if (deferred_ && out_pending()) {
    deferred_ = false;
    session_->resume(*this);
  }
  flushing_ = true;
  session_->produce();
  flushing_ = false;
}

}  // namespace headgate::shard::http2
