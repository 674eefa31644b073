// SPDX-License-Identifier: Apache-2.0
// Http2UpstreamLeg: UpstreamLeg over one stream of a ClientSession. The stream begins when the head of the
// request is submitted; before that the leg waits for its connection. What the backend says that it has not
// processed (REFUSED_STREAM, a GOAWAY below the stream) is stale and may be tried again, whatever the method.
//
// A WebSocket, which the model has as RFC 6455's upgrade, is an extended CONNECT here (RFC 8441): it waits
// for the backend's SETTINGS, and its 2xx is read as the 101 that it stands for. Thread: one; the
// UpstreamPool's slab owns it.
#pragma once

#include <vector>

#include "dataplane/shard/http2/message_stream.hpp"
#include "dataplane/shard/http2/response_reader.hpp"
#include "dataplane/shard/upstream_leg.hpp"

namespace headgate::shard {

class UpstreamUser;
class UpstreamPool;
namespace http2 {
class ClientSession;
}

class Http2UpstreamLeg final : public UpstreamLeg, public http2::MessageStream {
 public:
  explicit Http2UpstreamLeg(UpstreamPool& pool) : pool_(pool) {}

  void open(http2::ClientSession& session, UpstreamUser& user);
  void connected();
  void connect_failed();
  void lose();  // the connection has gone
  void note_settings();

  const l7::PoolEndpoint& endpoint() const override;
  void queue_head(const l7::RequestHead& request, Arena& arena) override;
  void queue(const BodyPiece& piece) override;
  Flow flush() override;
  Flow read_head(l7::ResponseHead& response) override;
  Flow read(BodyPiece& piece) override;
  bool at_hand() const override { return piece_at_hand(); }
  tls::HandshakeFailure tls_failure() const override;
  bool lacks_websockets() const override { return lacks_websockets_; }
  void begin_tunnel() override { body_done_ = false; }
  void again() override;
  void finish() override;
  void abort() override;

  void begin_section() override;
  void take_field(std::string_view name, std::string_view value) override;
  void end_section(bool end_stream) override;
  void on_ready() override;

 private:
  bool may_submit();
  bool submit_head(bool end_stream);
  void accept_websocket(l7::ResponseHead& head);
  void end_head(bool end_stream);
  Flow failed();
  void release();

  UpstreamPool& pool_;
  http2::ClientSession* client_session_ = nullptr;
  tls::HandshakeFailure lost_by_ = tls::HandshakeFailure::kNone;
  UpstreamUser* user_ = nullptr;
  Arena* arena_ = nullptr;
  const l7::RequestHead* head_ = nullptr;  // until it is submitted, with what follows it
  l7::Method method_ = l7::Method::kGet;
  std::string_view websocket_key_;  // of the request, where it asks for one
  bool awaits_settings_ = false;
  bool lacks_websockets_ = false;
  bool tunnel_ = false;
  bool final_seen_ = false;
  http2::ResponseReader response_reader_;
  http2::TrailerReader trailer_reader_;
  std::vector<l7::ResponseHead> heads_;  // kept for their memory; those from heads_read_ to heads_got_ wait
  std::size_t heads_got_ = 0;
  std::size_t heads_read_ = 0;
};

}  // namespace headgate::shard
