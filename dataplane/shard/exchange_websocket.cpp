// SPDX-License-Identifier: Apache-2.0
// Exchange: a WebSocket, by an upgrade (RFC 6455) or by CONNECT over HTTP/2 (RFC 8441), and the tunnel that
// it becomes.
#include "dataplane/shard/websocket_key.hpp"
#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {

void Exchange::add_websocket_key() {
  websocket_key_ = make_websocket_key(bench_.random.next(), bench_.random.next(), arena_);
  request_.headers.add({"sec-websocket-key", websocket_key_});
}

// Over HTTP/1.1 the client checks the proof of its own key.
bool Exchange::proves_upgrade() {
  if (!request_.upgrade_websocket || !response_.upgrade_websocket) return false;
  if (websocket_key_.empty()) return true;
  const auto* accept = response_.headers.find("sec-websocket-accept");
  return accept && accept->value == websocket_proof(websocket_key_, arena_);
}

// Any 2xx would tell a client over HTTP/2 that its WebSocket is open (RFC 9110 section 9.3.6). A backend that
// answers a request like any other has done nothing wrong; one that is no WebSocket's was asked. So it is
// with a filter that answers in its place.
bool Exchange::refuses_websocket() const {
  return !websocket_key_.empty() && response_.status >= 200 && response_.status < 300;
}

Exchange::Step Exchange::answer_no_websocket(std::string_view detail) {
  abort_upstream();
  answer(Ending::kBackendMalformed, 502, detail);
  return Step::kGoOn;
}

// RFC 8441 section 5: what is a 101 over HTTP/1.1. The proof was for us.
void Exchange::answer_connect() {
  response_.status = 200;
  response_.headers.remove("sec-websocket-accept");
}

Exchange::Step Exchange::begin_tunnel() {
  open_tunnel();
  return Step::kGoOn;
}

void Exchange::open_tunnel() {
  tunnel_ = true;
  ending_ = Ending::kTunnelled;
  request_deadline_.reset();
  client_->begin_tunnel();
  upstream_->begin_tunnel();
}

// The backend has ended its side of a tunnel, and the client may still say something to it.
bool Exchange::request_outlives_response() const {
  return tunnel_ && response_over_ && client_->half_closes() && !send_over_ &&
         (!client_->body_done() || upstream_->pending());
}

}  // namespace headgate::shard
