// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/http2/session.hpp"

#include <algorithm>
#include <cstring>

#include "dataplane/core/assert.hpp"
#include "dataplane/shard/http2/library.hpp"

namespace headgate::shard::http2 {
namespace {

constexpr std::size_t kFrameBytesMax = 16384 + 9;  // of what we send: we never agree to larger ones
static_assert(2 * kFrameBytesMax <= limits::kLargeBlockBytes);
static_assert(NGHTTP2_INITIAL_WINDOW_SIZE <= limits::kLargeBlockBytes);

}  // namespace

void Session::open(Role role, Stream& stream, Handler& handler, uint32_t header_bytes_max,
                   const contract::Http2Limits& rules) {
  role_ = role;
  stream_ = &stream;
  handler_ = &handler;
  terminated_ = false;
  crossing_resets_ = 0;
  section_began_.reset();
  out_begin_ = written_bytes_ = 0;
  const auto start = [&](EventBudget& budget, uint32_t per_second) {
    budget.start(limits::kHttp2BurstSeconds * per_second, per_second, loop_.now());
  };
  start(resets_, rules.resets_per_second);
  start(control_frames_, rules.control_frames_per_second);
  library_ = role == Role::kServer ? make_server_library(*this, header_bytes_max, rules)
                                   : make_client_library(*this, header_bytes_max, rules);
}

void Session::close() {
  HG_ASSERT(streams_.empty());
  library_.reset();
  out_.reset();
  ready_.clear();
}

void Session::add(MessageStream& stream) {
  stream.place_ = streams_.size();
  streams_.push_back(&stream);
}

void Session::forget(MessageStream& stream, std::size_t unconsumed_bytes) {
  streams_.back()->place_ = stream.place_;
  streams_[stream.place_] = streams_.back();
  streams_.pop_back();
  if (stream.ready_) std::erase(ready_, &stream);
  if (unconsumed_bytes > 0) nghttp2_session_consume_connection(library_.get(), unconsumed_bytes);
  if (!stream.closed_ && stream.id_ > 0)
    nghttp2_session_set_stream_user_data(library_.get(), stream.id_, nullptr);
  loop_.at_turn_end(*handler_);
}

void Session::mark_ready(MessageStream& stream) {
  if (stream.ready_) return;
  stream.ready_ = true;
  ready_.push_back(&stream);
  loop_.at_turn_end(*handler_);
}

// What becomes ready meanwhile waits for the next round, so that no stream keeps the others waiting.
void Session::run_ready() {
  for (std::size_t left = ready_.size(); left > 0 && !ready_.empty(); --left) {
    MessageStream& stream = *ready_.front();
    ready_.erase(ready_.begin());
    stream.ready_ = false;
    stream.on_ready();
  }
}

void Session::consume(const MessageStream& stream, std::size_t bytes) {
  if (stream.closed_)
    nghttp2_session_consume_connection(library_.get(), bytes);
  else
    nghttp2_session_consume(library_.get(), stream.id_, bytes);
  loop_.at_turn_end(*handler_);
}

void Session::resume(const MessageStream& stream) { nghttp2_session_resume_data(library_.get(), stream.id_); }

void Session::reset(const MessageStream& stream, uint32_t error_code) {
  if (stream.closed_) return;
  nghttp2_submit_rst_stream(library_.get(), NGHTTP2_FLAG_NONE, stream.id_, error_code);
  loop_.at_turn_end(*handler_);
}

bool Session::read_in() {
  BlockPtr scratch;
  for (unsigned reads = 0; reads < limits::kReadsPerTurnMax; ++reads) {
    if (!stream_->readable() || terminated_) return !stream_->failed();
    if (!scratch) scratch = blocks_.take(limits::kLargeBlockBytes);
    scratch->filled_bytes = 0;
    const IoResult result = stream_->read(scratch->room());
    if (result.status == IoStatus::kWouldBlock) return true;
    if (result.status != IoStatus::kOk) return false;
    feed({scratch->bytes.get(), result.bytes});
  }
  loop_.again(*handler_);
  return true;
}

// The library answers what breaks the protocol by GOAWAY itself; a negative result is what it cannot answer.
void Session::feed(std::string_view bytes) {
  const auto taken =
      nghttp2_session_mem_recv(library_.get(), reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (taken < 0) terminate(NGHTTP2_PROTOCOL_ERROR, Counter::kHttp2Violations);
  loop_.at_turn_end(*handler_);
}

void Session::terminate(uint32_t error_code, Counter reason) {
  if (terminated_) return;
  terminated_ = true;
  counters_.add(reason);
  nghttp2_session_terminate_session(library_.get(), error_code);
}

void Session::spend(EventBudget& budget, Counter reason) {
  if (!budget.spend(loop_.now())) terminate(NGHTTP2_ENHANCE_YOUR_CALM, reason);
}

// The library drops PRIORITY behind its head, since our SETTINGS say that we heed none.
void Session::note_frame_head(const nghttp2_frame_hd& head) {
  if (head.type == NGHTTP2_PRIORITY) spend(control_frames_, Counter::kHttp2ControlFloods);
}

void Session::note_frame(const nghttp2_frame& frame) {
  switch (frame.hd.type) {
    case NGHTTP2_RST_STREAM:
      if (!resets_as_it_may(frame.hd.stream_id)) spend(resets_, Counter::kHttp2ResetFloods);
      return;
    case NGHTTP2_PING:
    case NGHTTP2_SETTINGS:
      return spend(control_frames_, Counter::kHttp2ControlFloods);
    case NGHTTP2_DATA:  // empty, or padding and nothing else
      if (frame.hd.length == frame.data.padlen && !(frame.hd.flags & NGHTTP2_FLAG_END_STREAM))
        spend(control_frames_, Counter::kHttp2ControlFloods);
      return;
    default:
      return;
  }
}

// A backend may end each stream that we have opened, once: it does where it answers before a request has
// ended, and a connection carries the requests of many clients.
bool Session::resets_as_it_may(int32_t id) {
  if (role_ == Role::kServer) return false;
  if (nghttp2_session_get_stream_local_close(library_.get(), id) >= 0) return true;
  if (crossing_resets_ == 0) return false;
  --crossing_resets_;
  return true;
}

// A peer that makes us reset its streams costs as much as one that resets them (MadeYouReset). It is not
// charged for those that the other side has failed (INTERNAL_ERROR) or left (CANCEL), or that have had their
// answer (NO_ERROR): a proxy's connection carries the requests of many.
void Session::note_sent(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_GOAWAY && frame.goaway.error_code != NGHTTP2_NO_ERROR && !terminated_)
    counters_.add(Counter::kHttp2Violations);
  if (frame.hd.type != NGHTTP2_RST_STREAM) return;
  ++crossing_resets_;
  const auto code = frame.rst_stream.error_code;
  if (code == NGHTTP2_REFUSED_STREAM) counters_.add(Counter::kHttp2StreamsRefused);  // by the library
  if (code != NGHTTP2_NO_ERROR && code != NGHTTP2_CANCEL && code != NGHTTP2_INTERNAL_ERROR)
    spend(resets_, Counter::kHttp2ResetFloods);
}

std::span<char> Session::room(std::size_t bytes) {
  if (!out_) out_ = blocks_.take(limits::kLargeBlockBytes);
  if (out_->room().size() >= bytes) return out_->room();
  if (!write_out()) return {};
  out_ = blocks_.take(limits::kLargeBlockBytes);
  return out_->room();
}

void Session::frame() {
  for (;;) {
    if (out_ && out_->room().size() < kFrameBytesMax && !(write_out() && !out_)) return;
    const uint8_t* bytes = nullptr;
    const auto length = nghttp2_session_mem_send(library_.get(), &bytes);
    if (length <= 0) return;
    const auto size = static_cast<std::size_t>(length);
    const auto place = room(size);
    HG_ASSERT(place.size() >= size);
    std::memcpy(place.data(), bytes, size);
    out_->filled_bytes += size;
  }
}

// False: the socket takes no more for now, or never again.
bool Session::write_out() {
  while (out_ && out_begin_ < out_->filled_bytes) {
    const auto rest = out_->from(out_begin_);
    const iovec piece{rest.data(), rest.size()};
    const IoResult result = stream_->write({&piece, 1});
    if (result.status != IoStatus::kOk) return false;
    out_begin_ += result.bytes;
    written_bytes_ += result.bytes;
  }
  out_.reset();
  out_begin_ = 0;
  return true;
}

// It asks for no other turn by itself: one that did would be the end of every wait.
bool Session::settle() {
  for (unsigned rounds = 0; rounds < limits::kReadsPerTurnMax; ++rounds) {
    run_ready();
    frame();
    if (!write_out() && stream_->writable()) return false;  // it failed
    if (stream_->failed()) return false;
    if (ready_.empty()) break;
  }
  if (!ready_.empty()) loop_.again(*handler_);
  const bool wants = nghttp2_session_want_read(library_.get()) || nghttp2_session_want_write(library_.get());
  return wants || out_;
}

}  // namespace headgate::shard::http2
