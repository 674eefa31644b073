// SPDX-License-Identifier: Apache-2.0
// Http1UpstreamLeg: UpstreamLeg over a connection that speaks HTTP/1.1. A part of its UpstreamConnection; the
// connection serves another exchange only where this one was clean: both messages whole, nothing behind the
// response, and the backend said that it stays. Thread: one.
#pragma once

#include "dataplane/shard/block.hpp"
#include "dataplane/shard/http1/body.hpp"
#include "dataplane/shard/http1/head_scanner.hpp"
#include "dataplane/shard/outbox.hpp"
#include "dataplane/shard/upstream_leg.hpp"

namespace headgate::shard {

class UpstreamConnection;

class Http1UpstreamLeg final : public UpstreamLeg {
 public:
  explicit Http1UpstreamLeg(UpstreamConnection& connection) : connection_(connection) {}

  void open();

  const l7::PoolEndpoint& endpoint() const override;
  void queue_head(const l7::RequestHead& request, Arena& arena) override;
  void queue(const BodyPiece& piece) override;
  Flow flush() override;
  Flow read_head(l7::ResponseHead& response) override;
  Flow read(BodyPiece& piece) override;
  bool gives_pipes() const override;
  Flow read_into(Pipe& pipe, BodyPiece& piece) override;
  bool at_hand() const override;
  tls::HandshakeFailure tls_failure() const override;
  void begin_tunnel() override;
  void again() override;
  void finish() override;
  void abort() override;

 private:
  bool tunnel_ended() const { return tunnel_ && request_ended_; }  // by the client: the FIN follows the rest
  Flow read_block();
  Flow closed();
  bool shift_partial_head(std::span<char> bytes);

  UpstreamConnection& connection_;
  Arena* arena_ = nullptr;
  l7::Method method_ = l7::Method::kGet;
  bool request_ended_ = false;
  bool clean_ = false;  // may serve another exchange after this one
  bool tunnel_ = false;
  bool partial_ = false;  // what stands in the block is the beginning of a head
  BlockPtr block_;
  std::size_t begin_ = 0;
  l7::BodyFraming framing_ = l7::BodyFraming::kNone;
  http1::HeadScanner scanner_;
  http1::BodyReader reader_;
  http1::BodyWriter writer_;
  l7::Headers trailers_;
  Outbox outbox_;
};

}  // namespace headgate::shard
