// SPDX-License-Identifier: Apache-2.0
// Http1ClientLeg: ClientLeg over a connection that speaks HTTP/1.1: one exchange at a time. Bodies are taken
// out of their framing in place and written from where they were read. What the head's block holds of the
// body stays there until the end, so it can be sent again. Thread: one; the Workbench's slab owns it, its
// ClientConnection outlives its use.
#pragma once

#include "dataplane/core/arena.hpp"
#include "dataplane/shard/block.hpp"
#include "dataplane/shard/client_leg.hpp"
#include "dataplane/shard/http1/body.hpp"
#include "dataplane/shard/outbox.hpp"

namespace headgate::shard {

struct Workbench;

class Http1ClientLeg final : public ClientLeg {
 public:
  explicit Http1ClientLeg(Workbench& bench) : bench_(bench) {}

  // `head` holds the request's head up to `head_end`; what is behind belongs to the body or the next request.
  // `request` and `arena` are the exchange's.
  void open(ClientConnection& connection, BlockPtr head, std::size_t head_end, const l7::RequestHead& request,
            Arena& arena);
  void begin_body();  // the head was parsed and says how it is framed

  bool at_hand() const override;
  Flow read(BodyPiece& piece) override;
  void pass_over() override;
  void queue_head(const l7::ResponseHead& response) override;
  bool takes_pipes() const override;
  void queue(const BodyPiece& piece) override;
  Flow flush() override;
  void begin_tunnel() override;
  bool half_closes() const override { return false; }
  void again() override;
  void finish() override;
  void abort() override;

 private:
  bool in_head_block() const { return !beyond_head_ && rest_begin_ < head_block_->filled_bytes; }
  Flow read_block();
  [[nodiscard]] http1::Fault take_trailers();

  Workbench& bench_;
  const l7::RequestHead* request_ = nullptr;
  Arena* arena_ = nullptr;
  BlockPtr head_block_;
  std::size_t rest_begin_ = 0;  // in head_block_: what the head and the body have not taken
  bool beyond_head_ = false;    // more was read than the head's block
  bool tunnel_ = false;
  BlockPtr body_block_;
  std::size_t body_begin_ = 0;
  http1::BodyReader reader_;
  http1::BodyWriter writer_;
  l7::Headers trailers_;
  Outbox outbox_;
  Pipe* pipe_ = nullptr;  // whose bytes follow; null: none
};

}  // namespace headgate::shard
