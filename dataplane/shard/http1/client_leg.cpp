// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/http1/client_leg.hpp"

#include "dataplane/shard/http1/head_parser.hpp"
#include "dataplane/shard/pipe.hpp"
#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {

void Http1ClientLeg::open(ClientConnection& connection, BlockPtr head, std::size_t head_end,
                          const l7::RequestHead& request, Arena& arena) {
  ClientLeg::open(connection);
  request_ = &request;
  arena_ = &arena;
  head_block_ = std::move(head);
  rest_begin_ = head_end;
  beyond_head_ = tunnel_ = false;
  reader_.start(l7::BodyFraming::kNone, 0);
  outbox_.clear();
  pipe_ = nullptr;
}

void Http1ClientLeg::begin_body() {
  reader_.start(request_->framing, request_->content_length);
  body_done_ = reader_.done();
}

bool Http1ClientLeg::at_hand() const { return in_head_block(); }

Flow Http1ClientLeg::read(BodyPiece& piece) {
  const bool from_head_block = in_head_block();
  if (!from_head_block) {
    const Flow flow = read_block();
    if (flow == Flow::kOver) {
      piece = {.data = {}, .end = true};
      return Flow::kMoved;
    }
    if (flow != Flow::kMoved) return flow;
  }
  const auto taken =
      reader_.take(from_head_block ? head_block_->from(rest_begin_) : body_block_->from(body_begin_));
  (from_head_block ? rest_begin_ : body_begin_) += taken.consumed_bytes;
  if (taken.fault != http1::Fault::kNone) return fail(taken.fault);
  body_done_ = reader_.done();
  piece = {.data = taken.data, .end = taken.done, .kept = from_head_block && !tunnel_};
  if (taken.done && request_->framing == l7::BodyFraming::kChunked) {
    if (const auto fault = take_trailers(); fault != http1::Fault::kNone) return fail(fault);
    piece.trailers = &trailers_;
  }
  return Flow::kMoved;
}

// kOver: the client has ended its side of a tunnel.
Flow Http1ClientLeg::read_block() {
  Stream& stream = connection_->stream();
  if (!stream.readable()) {
    body_block_.reset();  // a tunnel may be silent for hours
    return Flow::kBlocked;
  }
  if (!body_block_) body_block_ = bench_.blocks.take(limits::kLargeBlockBytes);
  // What is read past the body goes back to the connection in the end: the start of its next request.
  const IoResult result = stream.read({body_block_->bytes.get(), body_block_->capacity_bytes});
  if (result.status == IoStatus::kOk) {
    beyond_head_ = true;
    body_block_->filled_bytes = result.bytes;
    body_begin_ = 0;
    return Flow::kMoved;
  }
  body_block_.reset();
  if (result.status == IoStatus::kWouldBlock) return Flow::kBlocked;
  if (tunnel_ && result.status == IoStatus::kEnd) {
    body_done_ = reader_.take_end();
    return Flow::kOver;
  }
  return Flow::kFailed;
}

// A section that breaks the rules may be read otherwise by others: as behind such a head, nobody can tell
// where the next message begins.
http1::Fault Http1ClientLeg::take_trailers() {
  trailers_.clear();
  return http1::parse_trailers(reader_.trailers(), connection_->head_limits(), trailers_);
}

void Http1ClientLeg::pass_over() {
  if (body_broken_ || body_done_ || beyond_head_) return;
  const auto piece = reader_.take(head_block_->from(rest_begin_));
  rest_begin_ += piece.consumed_bytes;
  body_done_ = reader_.done();
  const bool has_trailers = body_done_ && request_->framing == l7::BodyFraming::kChunked;
  if (piece.fault != http1::Fault::kNone || (has_trailers && take_trailers() != http1::Fault::kNone))
    break_off();
}

void Http1ClientLeg::queue_head(const l7::ResponseHead& response) {
  http1::ClientSide side{.version = request_->version, .date = bench_.clock.http_date()};
  if (response.status >= 200) {
    side.framing = http1::client_framing(response, request_->version);
    // A request that is still on its way when its answer begins is not waited for after it.
    keep_alive_ = keep_alive_ && request_->keep_alive && !connection_->draining() && body_done_ &&
                  side.framing != l7::BodyFraming::kUntilClose;
    side.keep_alive = keep_alive_;
    writer_.start(side.framing);
  }
  char* const head = arena_->allocate(http1::response_bytes_max(response));
  char* const head_end = http1::write_response(response, side, head);
  arena_->shrink_last(head_end);
  outbox_.add({head, static_cast<std::size_t>(head_end - head)});
  pending_ = true;
}

// No chunk is ever in a pipe, for nothing is in one but a body whose length the head has said.
bool Http1ClientLeg::takes_pipes() const {
  return writer_.framing() == l7::BodyFraming::kLength && !connection_->stream().has_tls();
}

void Http1ClientLeg::queue(const BodyPiece& piece) {
  if (piece.end && !keep_alive_) connection_->stream().hold_for_end();
  pipe_ = piece.pipe;
  writer_.write(piece, *arena_, outbox_);
  pending_ = !outbox_.empty() || pipe_;
}

Flow Http1ClientLeg::flush() {
  Stream& stream = connection_->stream();
  IoResult written = outbox_.write_to(stream);
  sent_bytes_ += written.bytes;
  if (pipe_ && written.status == IoStatus::kOk) {
    written = pipe_->drain(stream);
    sent_bytes_ += written.bytes;
    if (pipe_->empty()) pipe_ = nullptr;
  }
  if (written.status == IoStatus::kWouldBlock) return Flow::kBlocked;
  if (written.status != IoStatus::kOk) return Flow::kFailed;
  pending_ = false;
  return Flow::kMoved;
}

// Only now are the bytes that the client sent behind its request read: before the 101 they were not its
// tunnel.
void Http1ClientLeg::begin_tunnel() {
  tunnel_ = true;
  keep_alive_ = body_done_ = false;
  reader_.start(l7::BodyFraming::kUntilClose, 0);
  writer_.start(l7::BodyFraming::kUntilClose);
  again();  // what it has sent already has no edge of its own
}

void Http1ClientLeg::again() { bench_.loop.again(*connection_); }

void Http1ClientLeg::finish() {
  auto then = ClientConnection::Then::kKeepAlive;
  if (body_broken_ || !(body_done_ || tunnel_))
    then = ClientConnection::Then::kLinger;
  else if (!keep_alive_)
    then = ClientConnection::Then::kClose;
  BlockPtr rest = std::move(head_block_);
  std::size_t rest_begin = rest_begin_;
  if (body_block_) {
    rest = std::move(body_block_);
    rest_begin = body_begin_;
  }
  ClientConnection& connection = *connection_;
  bench_.http1_legs.give(*this);
  connection.exchange_done(std::move(rest), rest_begin, then);
}

void Http1ClientLeg::abort() {
  head_block_.reset();
  body_block_.reset();
  ClientConnection& connection = *connection_;
  bench_.http1_legs.give(*this);
  connection.exchange_aborted();
}

}  // namespace headgate::shard
