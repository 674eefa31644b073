// SPDX-License-Identifier: Apache-2.0
// MessageStream: what the legs over HTTP/2 of both sides share: one stream of a Session, its inbound body in
// blocks and its outbound piece. What has come and was not read is bounded by the stream's window, which
// opens again only when the piece that was read is asked to give way to the next, that is, when the other leg
// has written it: flow control goes from end to end.
//
// The Session calls take_… and end_… from within the library's callbacks: they note what happened and mark
// the stream ready. on_ready() comes later, from the session's own loop, and is the only way on to the
// exchange. Thread: one. The Session forgets it at leave().
#pragma once

#include <optional>
#include <span>

#include "dataplane/l7/http_message.hpp"
#include "dataplane/shard/block.hpp"
#include "dataplane/shard/body_piece.hpp"
#include "dataplane/shard/http1/syntax.hpp"

namespace headgate::shard::http2 {

class Session;

class MessageStream {
 public:
  MessageStream() = default;
  MessageStream(const MessageStream&) = delete;
  MessageStream& operator=(const MessageStream&) = delete;

  int32_t id() const { return id_; }

  // --- by the Session, from the library's callbacks
  virtual void begin_section() = 0;
  virtual void take_field(std::string_view name, std::string_view value) = 0;
  virtual void end_section(bool end_stream) = 0;
  void take_data(std::string_view data);
  void end_data();
  void take_close(uint32_t error_code);
  // Up to `length_bytes` of the piece; what is given is written by wrote().
  struct Given {
    std::size_t bytes = 0;
    bool end = false;
    const l7::Headers* trailers = nullptr;
  };
  std::optional<Given> give(std::size_t length_bytes);
  std::string_view out_data() const { return out_.data; }
  void wrote(std::size_t bytes);
  void count_sent(std::size_t bytes) { sent_frame_bytes_ += bytes; }
  void note_end_sent();

  // --- by the Session, from its own loop
  virtual void on_ready() = 0;

 protected:
  virtual ~MessageStream() = default;

  void enter(Session& session, int32_t id);
  void leave();   // the session hears no more of it
  void detach();  // the same, but what was read can still be taken

  Flow read_piece(BodyPiece& piece);
  bool piece_at_hand() const { return filling_ || in_ended_; }
  bool data_at_hand() const { return static_cast<bool>(filling_); }
  void keep_no_piece() { first_ = false; }  // none is sent again
  void expect_length(std::optional<uint64_t> length_bytes) { expected_bytes_ = length_bytes; }
  void break_in(http1::Fault fault);
  void put_piece(const BodyPiece& piece);
  void write_out();  // frames as much of the piece as may go now
  bool out_pending() const { return !out_.data.empty() || (out_.end && !out_ended_); }

  Session* session_ = nullptr;
  int32_t id_ = 0;
  // inbound
  bool in_ended_ = false;
  http1::Fault in_fault_ = http1::Fault::kNone;
  l7::Headers trailers_;
  // outbound
  bool out_begun_ = false;  // the head was submitted
  bool out_ended_ = false;  // the library has all of it
  bool end_sent_ = false;   // and has framed it: a reset takes nothing back any more
  bool deferred_ = false;   // the library waits for resume
  // either
  bool closed_ = false;  // the library knows it no more; what is not whole by now never will be
  uint32_t error_code_ = 0;
  uint64_t sent_frame_bytes_ = 0;

 private:
  friend class Session;
  void release_read();

  BlockPtr reading_;
  BlockPtr filling_;
  BlockPtr kept_;
  bool keeping_ = false;
  bool first_ = true;
  std::size_t unconsumed_bytes_ = 0;
  uint64_t in_bytes_ = 0;
  std::optional<uint64_t> expected_bytes_;
  BodyPiece out_;
  bool given_end_ = false;
  bool flushing_ = false;
  std::size_t place_ = 0;  // in the session's list
  bool ready_ = false;
};

}  // namespace headgate::shard::http2
