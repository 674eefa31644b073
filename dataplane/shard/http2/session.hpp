// SPDX-License-Identifier: Apache-2.0
// Session: one HTTP/2 connection through libnghttp2, either side: bytes of a Stream in, frames of all its
// streams out, many frames in one write at the end of the loop's turn. It owns the library's session and the
// block of bytes that wait for the socket, and counts what a peer can do too often. ServerSession and
// ClientSession are its two kinds.
//
// The library's callbacks only note (message_stream.hpp). Exchanges run from run_ready() and from events of
// their other leg, never from inside of the library, and a stream that its exchange has left is in no list
// any more. Thread: one.
#pragma once

#include <memory>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "dataplane/contract/http2_limits.hpp"
#include "dataplane/shard/block.hpp"
#include "dataplane/shard/counters.hpp"
#include "dataplane/shard/event_loop.hpp"
#include "dataplane/shard/http2/event_budget.hpp"
#include "dataplane/shard/http2/field_writer.hpp"
#include "dataplane/shard/http2/message_stream.hpp"
#include "dataplane/shard/stream.hpp"

namespace headgate::shard::http2 {

struct LibraryEnd {
  void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
};
using Library = std::unique_ptr<nghttp2_session, LibraryEnd>;

class Session {
 public:
  Session(EventLoop& loop, BlockPool& blocks, ThreadCounters& counters)
      : loop_(loop), blocks_(blocks), counters_(counters) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // --- by its streams
  BlockPool& blocks() { return blocks_; }
  nghttp2_session* library() const { return library_.get(); }
  FieldWriter& fields() { return fields_; }
  void mark_ready(MessageStream& stream);
  void forget(MessageStream& stream, std::size_t unconsumed_bytes);
  void consume(const MessageStream& stream, std::size_t bytes);
  void resume(const MessageStream& stream);
  // By a code of RFC 9113 section 7, which says as well whether it counts against the peer (note_sent()).
  void reset(const MessageStream& stream, uint32_t error_code);
  // Frames what can be framed; it is written at the end of the turn.
  void produce() {
    loop_.at_turn_end(*handler_);
    frame();
  }
  // What a peer does too often, or what cannot be answered, ends the session by GOAWAY.
  void terminate(uint32_t error_code, Counter reason);

 protected:
  virtual ~Session() = default;

  enum class Role : uint8_t { kServer, kClient };

  void open(Role role, Stream& stream, Handler& handler, uint32_t header_bytes_max,
            const contract::Http2Limits& rules);
  void close();
  void add(MessageStream& stream);
  bool read_in();  // false: nothing more is read from the peer
  void feed(std::string_view bytes);
  void run_ready();
  // Writes, frames, runs what became ready, until all is written or the socket takes no more. False: it is
  // over.
  bool settle();
  uint64_t written_bytes() const { return written_bytes_; }
  bool blocked() const { return static_cast<bool>(out_); }  // after settle(): the socket took no more
  const std::vector<MessageStream*>& streams() const { return streams_; }

  // From the library's callbacks.
  virtual MessageStream* begin_stream(int32_t id) = 0;  // null: not wanted
  virtual void take_frame(const nghttp2_frame& frame) = 0;

  EventLoop& loop_;
  BlockPool& blocks_;
  ThreadCounters& counters_;
  Role role_ = Role::kServer;
  Handler* handler_ = nullptr;
  Stream* stream_ = nullptr;
  bool terminated_ = false;
  std::optional<TimePoint> section_began_;  // of a header section that is not whole

 private:
  friend struct Callbacks;
  void frame();
  bool write_out();
  std::span<char> room(std::size_t bytes);
  void note_frame_head(const nghttp2_frame_hd& head);
  void note_frame(const nghttp2_frame& frame);
  void note_sent(const nghttp2_frame& frame);
  bool resets_as_it_may(int32_t id);
  void spend(EventBudget& budget, Counter reason);

  Library library_;
  BlockPtr out_;
  std::size_t out_begin_ = 0;
  uint64_t written_bytes_ = 0;
  FieldWriter fields_;
  std::vector<MessageStream*> streams_;
  std::vector<MessageStream*> ready_;
  EventBudget resets_;
  uint64_t crossing_resets_ = 0;  // of streams that we have reset: the backend may have done so as well
  EventBudget control_frames_;
};

}  // namespace headgate::shard::http2
