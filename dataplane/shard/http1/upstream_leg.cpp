// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/http1/upstream_leg.hpp"

#include <cstring>

#include "dataplane/shard/http1/head_parser.hpp"
#include "dataplane/shard/http1/serialise.hpp"
#include "dataplane/shard/pipe.hpp"
#include "dataplane/shard/upstream_pool.hpp"

namespace headgate::shard {
namespace {

// A backend's head is the operator's own: the limits only bound memory.
constexpr http1::HeadLimits kResponseLimits{
    .header_bytes_max = limits::kLargeBlockBytes, .header_count_max = 512, .target_bytes_max = 0};

}  // namespace

void Http1UpstreamLeg::open() {
  UpstreamLeg::open();
  request_ended_ = clean_ = tunnel_ = partial_ = false;
  begin_ = 0;
  scanner_ = {};
  outbox_.clear();
}

const l7::PoolEndpoint& Http1UpstreamLeg::endpoint() const { return connection_.endpoint(); }

tls::HandshakeFailure Http1UpstreamLeg::tls_failure() const { return connection_.tls_failure(); }

void Http1UpstreamLeg::queue_head(const l7::RequestHead& request, Arena& arena) {
  arena_ = &arena;
  method_ = request.method;
  char* const head = arena.allocate(http1::request_bytes_max(request));
  char* const head_end = http1::write_request(request, head);
  arena.shrink_last(head_end);
  outbox_.add({head, static_cast<std::size_t>(head_end - head)});
  writer_.start(request.framing);
  request_ended_ = request.framing == l7::BodyFraming::kNone ||
                   (request.framing == l7::BodyFraming::kLength && request.content_length == 0);
  pending_ = true;
}

void Http1UpstreamLeg::queue(const BodyPiece& piece) {
  if (tunnel_)
    outbox_.add(piece.data);
  else
    writer_.write(piece, *arena_, outbox_);
  request_ended_ = request_ended_ || piece.end;
  pending_ = !outbox_.empty() || tunnel_ended();
}

Flow Http1UpstreamLeg::flush() {
  const IoResult written = outbox_.write_to(connection_.stream());
  bytes_sent_ = bytes_sent_ || written.bytes > 0;
  if (written.status == IoStatus::kWouldBlock) return Flow::kBlocked;
  pending_ = false;
  if (written.status == IoStatus::kOk) {
    if (tunnel_ended()) connection_.stream().shutdown_write();
    return Flow::kMoved;
  }
  // It may have answered before it closed: the response decides.
  outbox_.clear();
  clean_ = request_ended_ = false;
  return Flow::kFailed;
}

Flow Http1UpstreamLeg::read_block() {
  Stream& stream = connection_.stream();
  if (!block_) {
    if (!stream.readable()) return Flow::kBlocked;
    block_ = connection_.pool().blocks().take(limits::kLargeBlockBytes);
  }
  if (!partial_) block_->filled_bytes = begin_ = 0;
  const IoResult result = stream.read(block_->room());
  if (result.status == IoStatus::kWouldBlock) {
    if (!partial_) block_.reset();
    return Flow::kBlocked;
  }
  if (result.status != IoStatus::kOk) return result.status == IoStatus::kEnd ? Flow::kOver : Flow::kFailed;
  block_->filled_bytes += result.bytes;
  partial_ = false;
  bytes_received_ = true;
  return Flow::kMoved;
}

Flow Http1UpstreamLeg::closed() {
  stale_ = connection_.reused() && !bytes_received_;
  return fail(Ending::kBackendClosed);
}

Flow Http1UpstreamLeg::read_head(l7::ResponseHead& response) {
  for (;;) {
    if (!at_hand() || partial_) {
      const Flow flow = read_block();
      if (flow == Flow::kOver || flow == Flow::kFailed) return closed();
      if (flow != Flow::kMoved) return flow;
    }
    const auto bytes = block_->from(begin_);
    const auto state = scanner_.scan({bytes.data(), bytes.size()});
    if (state == http1::HeadScanner::State::kRefused) return fail(Ending::kBackendMalformed);
    if (state == http1::HeadScanner::State::kWhole) break;
    if (!shift_partial_head(bytes)) return fail(Ending::kBackendMalformed);
  }
  const auto bytes = block_->from(begin_);
  const auto head = bytes.subspan(scanner_.begin_bytes(), scanner_.end_bytes() - scanner_.begin_bytes());
  begin_ += scanner_.end_bytes();
  scanner_ = {};
  if (http1::parse_response(head, kResponseLimits, method_, response) != http1::Fault::kNone)
    return fail(Ending::kBackendMalformed);
  // The second tier's word, and nobody else's (it drops its backends'): the connection ends, and nothing of
  // this request was read there.
  if (!endpoint().hop_to.empty() && response.headers.find(l7::HeaderId::kHeadgateContext)) {
    bytes_sent_ = bytes_received_ = false;
    stale_ = true;
    return fail(Ending::kBackendClosed);
  }
  if (response.status < 200 && response.status != 101) return Flow::kMoved;
  clean_ = response.keep_alive && request_ended_;
  framing_ = response.framing;
  reader_.start(response.framing, response.content_length);
  body_done_ = reader_.done();
  if (body_done_ && at_hand()) clean_ = false;
  return Flow::kMoved;
}

// Only a head that fills the whole block is too long: one behind an interim response moves to the front.
bool Http1UpstreamLeg::shift_partial_head(std::span<char> bytes) {
  partial_ = true;
  if (!block_->room().empty()) return true;
  if (begin_ == 0) return false;
  std::memmove(block_->bytes.get(), bytes.data(), bytes.size());
  block_->filled_bytes = bytes.size();
  begin_ = 0;
  return true;
}

bool Http1UpstreamLeg::gives_pipes() const {
  return !at_hand() && !connection_.stream().has_tls() && reader_.left_bytes() != 0;
}

Flow Http1UpstreamLeg::read_into(Pipe& pipe, BodyPiece& piece) {
  block_.reset();  // it is used up
  const IoResult filled = pipe.fill(connection_.stream(), reader_.left_bytes());
  if (filled.status == IoStatus::kWouldBlock) return Flow::kBlocked;
  if (filled.status != IoStatus::kOk) {
    clean_ = false;
    return closed();
  }
  bytes_received_ = true;
  reader_.pass(filled.bytes);
  body_done_ = reader_.done();
  piece = {.data = {}, .pipe = &pipe, .end = body_done_};
  return Flow::kMoved;
}

Flow Http1UpstreamLeg::read(BodyPiece& piece) {
  if (!at_hand()) {
    const Flow flow = read_block();
    // A reset ends no body, nor does a connection that somebody cut: over TLS an end is said (RFC 9112
    // section 9.8).
    if (flow == Flow::kOver || flow == Flow::kFailed) {
      clean_ = false;
      if (flow == Flow::kFailed || !reader_.take_end()) return closed();
      body_done_ = true;
      piece = {.data = {}, .end = true};
      return Flow::kMoved;
    }
    if (flow != Flow::kMoved) return flow;
  }
  const auto taken = reader_.take(block_->from(begin_));
  begin_ += taken.consumed_bytes;
  if (taken.fault != http1::Fault::kNone) return fail(Ending::kBackendMalformed);
  body_done_ = reader_.done();
  if (taken.done && at_hand()) clean_ = false;
  piece = {.data = taken.data, .end = taken.done};
  if (!taken.done || framing_ != l7::BodyFraming::kChunked) return Flow::kMoved;
  trailers_.clear();
  if (http1::parse_trailers(reader_.trailers(), kResponseLimits, trailers_) != http1::Fault::kNone)
    return fail(Ending::kBackendMalformed);
  piece.trailers = &trailers_;
  return Flow::kMoved;
}

bool Http1UpstreamLeg::at_hand() const { return block_ && begin_ < block_->filled_bytes; }

void Http1UpstreamLeg::begin_tunnel() {
  tunnel_ = true;
  clean_ = body_done_ = request_ended_ = false;
  framing_ = l7::BodyFraming::kUntilClose;
  reader_.start(l7::BodyFraming::kUntilClose, 0);
}

void Http1UpstreamLeg::again() { connection_.pool().loop().again(connection_); }

void Http1UpstreamLeg::finish() {
  block_.reset();
  if (clean_ && request_ended_ && !pending_)
    connection_.pool().release(connection_);
  else
    connection_.pool().close(connection_);
}

void Http1UpstreamLeg::abort() {
  block_.reset();
  connection_.pool().close(connection_);
}

}  // namespace headgate::shard
