// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/passthrough_leg.hpp"

#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {

void PassthroughLeg::open(ClientConnection& connection) {
  ClientLeg::open(connection);
  tunnel_ = ended_ = false;
  outbox_.clear();
}

// The piece before has gone, so its block is free. An idle tunnel holds none.
Flow PassthroughLeg::read(BodyPiece& piece) {
  Stream& stream = connection_->stream();
  if (!stream.readable()) {
    block_.reset();
    return Flow::kBlocked;
  }
  if (!block_) block_ = bench_.blocks.take(limits::kLargeBlockBytes);
  const IoResult result = stream.read({block_->bytes.get(), block_->capacity_bytes});
  if (result.status == IoStatus::kOk) {
    piece = {.data = {block_->bytes.get(), result.bytes}};
    return Flow::kMoved;
  }
  block_.reset();
  if (result.status == IoStatus::kWouldBlock) return Flow::kBlocked;
  if (result.status != IoStatus::kEnd) return Flow::kFailed;
  body_done_ = true;
  piece = {.data = {}, .end = true};
  return Flow::kMoved;
}

void PassthroughLeg::queue(const BodyPiece& piece) {
  outbox_.add(piece.data);
  ended_ = piece.end;
  pending_ = true;
}

Flow PassthroughLeg::flush() {
  const IoResult written = outbox_.write_to(connection_->stream());
  sent_bytes_ += written.bytes;
  if (written.status == IoStatus::kWouldBlock) return Flow::kBlocked;
  if (written.status != IoStatus::kOk) return Flow::kFailed;
  pending_ = false;
  if (ended_) connection_->stream().shutdown_write();
  return Flow::kMoved;
}

void PassthroughLeg::begin_tunnel() {
  tunnel_ = true;
  body_done_ = false;
  again();  // its ClientHello has no edge of its own any more
}

void PassthroughLeg::again() { bench_.loop.again(*connection_); }

// What it has sent to nobody is read to its end, so that no reset destroys the alert.
void PassthroughLeg::finish() {
  const bool relayed_all = tunnel_ && body_done_;
  block_.reset();
  ClientConnection& connection = *connection_;
  bench_.passthrough_legs.give(*this);
  connection.exchange_done(nullptr, 0,
                           relayed_all ? ClientConnection::Then::kClose : ClientConnection::Then::kLinger);
}

void PassthroughLeg::abort() {
  block_.reset();
  ClientConnection& connection = *connection_;
  bench_.passthrough_legs.give(*this);
  connection.exchange_aborted();
}

}  // namespace headgate::shard
