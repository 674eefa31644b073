// SPDX-License-Identifier: Apache-2.0
// Http2ClientLeg: ClientLeg over one stream of a ServerSession. It exists from the first byte of the
// request's header section, and so does its exchange; the exchange begins when the section is whole. Thread:
// one; the Workbench's slab owns it.
#pragma once

#include "dataplane/shard/client_leg.hpp"
#include "dataplane/shard/http2/message_stream.hpp"
#include "dataplane/shard/http2/request_reader.hpp"
#include "dataplane/shard/http2/response_reader.hpp"

namespace headgate::shard {

class Exchange;
struct Workbench;

class Http2ClientLeg final : public ClientLeg, public http2::MessageStream {
 public:
  explicit Http2ClientLeg(Workbench& bench) : bench_(bench) {}

  void open(ClientConnection& connection, http2::Session& session, int32_t id, Exchange& exchange);
  void lose();  // the connection has gone

  bool at_hand() const override { return piece_at_hand(); }
  Flow read(BodyPiece& piece) override;
  void pass_over() override {}  // the stream ends by itself, the connection goes on
  void queue_head(const l7::ResponseHead& response) override;
  void queue(const BodyPiece& piece) override;
  Flow flush() override;
  uint64_t sent_bytes() const override { return sent_frame_bytes_; }  // a piece goes as its window opens
  void begin_tunnel() override;
  bool half_closes() const override { return true; }
  void again() override;
  void finish() override;
  void abort() override;

  void begin_section() override;
  void take_field(std::string_view name, std::string_view value) override;
  void end_section(bool end_stream) override;
  void on_ready() override;

 private:
  void submit_head(bool end_stream);
  void release();

  Workbench& bench_;
  Exchange* exchange_ = nullptr;
  enum class State : uint8_t { kHead, kHeadWhole, kBegun };
  State state_ = State::kHead;
  bool tunnel_ = false;
  http1::Fault head_fault_ = http1::Fault::kNone;
  http2::RequestReader request_reader_;
  http2::TrailerReader trailer_reader_;
  const l7::ResponseHead* head_ = nullptr;  // until it is submitted, with what follows it
};

}  // namespace headgate::shard
