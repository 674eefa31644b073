// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/http2/client_session.hpp"

#include <algorithm>

#include "dataplane/shard/upstream_pool.hpp"
#include "dataplane/shard/upstream_user.hpp"

namespace headgate::shard::http2 {

ClientSession::ClientSession(UpstreamPool& pool)
    : Session(pool.loop(), pool.blocks(), pool.counters()),
      pool_(pool),
      socket_(pool.tickets(), pool.counters()) {}

void ClientSession::open(UniqueFd socket, l7::PoolEndpointPin endpoint,
                         const UpstreamSocket::Opening& opening) {
  socket_.open(std::move(socket), opening);
  endpoint_ = std::move(endpoint);
  phase_ = Phase::kConnecting;
  closing_ = settings_seen_ = false;
  served_ = 0;
  Session::open(Role::kClient, socket_.stream(), *this, limits::kLargeBlockBytes, {});
}

bool ClientSession::has_room() const {
  if (phase_ == Phase::kClosed || closing_ || terminated_) return false;
  const uint32_t allowed =
      nghttp2_session_get_remote_settings(library(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return streams().size() < std::min<std::size_t>(allowed, limits::kHttp2UpstreamStreamsMax) &&
         nghttp2_session_check_request_allowed(library());
}

Http2UpstreamLeg& ClientSession::join(UpstreamUser& user) {
  auto& leg = pool_.take_leg();
  leg.open(*this, user);
  add(leg);
  cancel();
  return leg;
}

void ClientSession::close_when_idle() {
  closing_ = true;
  loop_.at_turn_end(*this);
}

void ClientSession::on_events(uint32_t epoll_events) {
  if (phase_ == Phase::kClosed) return;
  socket_.stream().note_events(epoll_events);
  if (phase_ == Phase::kConnecting) return advance_connect();
  if (!read_in()) return end();
  loop_.at_turn_end(*this);
}

void ClientSession::advance_connect() {
  switch (socket_.advance(*endpoint_)) {
    case UpstreamSocket::Progress::kPending:
      return;
    case UpstreamSocket::Progress::kReady:
      return connected();
    case UpstreamSocket::Progress::kFailed:
      return connect_failed();
  }
}

// Each may end at once and others join meanwhile: those are told as well.
void ClientSession::connected() {
  phase_ = Phase::kOpen;
  const std::vector<MessageStream*> waiting = streams();
  for (MessageStream* const stream : waiting) static_cast<Http2UpstreamLeg*>(stream)->connected();
  if (socket_.stream().readable()) loop_.again(*this);  // what has come already has no edge any more
  loop_.at_turn_end(*this);
}

void ClientSession::connect_failed() {
  closing_ = true;
  while (!streams().empty()) static_cast<Http2UpstreamLeg*>(streams().back())->connect_failed();
  end();
}

void ClientSession::on_turn_end() {
  if (phase_ != Phase::kOpen) {
    if (phase_ == Phase::kConnecting && streams().empty()) end();  // nobody waits for it
    return;
  }
  if (!settle()) {
    read_in();  // it may have answered, or refused, before it closed
    return end();
  }
  if (closing_ && streams().empty() && !blocked()) return end();
  if (streams().empty()) socket_.keep_ticket(*endpoint_);
  if (blocked())
    loop_.arm(*this, limits::kHttp2UpstreamWriteTimeout);
  else if (streams().empty())
    loop_.arm(*this, limits::kUpstreamIdleTimeout);
  else
    cancel();
}

bool ClientSession::takes_websockets() const {
  return nghttp2_session_get_remote_settings(library(), NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

void ClientSession::take_frame(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_GOAWAY) closing_ = true;
  const bool is_settings = frame.hd.type == NGHTTP2_SETTINGS && !(frame.hd.flags & NGHTTP2_FLAG_ACK);
  if (!is_settings || settings_seen_) return;
  settings_seen_ = true;
  for (MessageStream* const stream : streams()) static_cast<Http2UpstreamLeg*>(stream)->note_settings();
}

void ClientSession::on_deadline() {
  if (phase_ == Phase::kOpen) end();
}

void ClientSession::end() {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  while (!streams().empty()) static_cast<Http2UpstreamLeg*>(streams().back())->lose();
  close();
  socket_.close(*endpoint_);
  cancel();
  pool_.remove(*this);
  endpoint_.reset();
  loop_.retire(*this);
}

void ClientSession::on_retired() { pool_.give(*this); }

}  // namespace headgate::shard::http2
