// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/http2/server_session.hpp"

#include "dataplane/shard/workbench.hpp"

namespace headgate::shard::http2 {

Preface find_preface(std::string_view first_bytes) {
  constexpr std::string_view kPreface(NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
  if (first_bytes.size() >= kPreface.size())
    return first_bytes.starts_with(kPreface) ? Preface::kWhole : Preface::kNone;
  return kPreface.starts_with(first_bytes) ? Preface::kPartial : Preface::kNone;
}

ServerSession::ServerSession(Workbench& bench)
    : Session(bench.loop, bench.blocks, bench.counters), bench_(bench) {}

void ServerSession::open(ClientConnection& connection, Stream& stream, std::string_view received) {
  connection_ = &connection;
  drain_ = Drain::kNo;
  idle_ = true;
  idle_since_ = progress_ = loop_.now();
  progress_bytes_ = 0;
  was_blocked_ = false;
  counters_.add(Counter::kHttp2Connections);
  Session::open(Role::kServer, stream, connection, connection.head_limits().header_bytes_max,
                bench_.tables->settings->http2);
  feed(received);
  loop_.again(connection);  // what has come already has no edge of its own
  if (connection.draining()) drain();
}

// What was read runs at the end of the turn, when all that arrived in it can share one write.
void ServerSession::on_events() {
  if (!read_in()) return end();
  loop_.at_turn_end(*connection_);
}

void ServerSession::on_turn_end() {
  if (!settle()) return end();
  const bool drained = drain_ == Drain::kFinal && streams().empty() && !blocked();
  if (drained) return end();
  update_deadline();
}

MessageStream* ServerSession::begin_stream(int32_t id) {
  if (terminated_) return nullptr;
  auto& leg = bench_.http2_client_legs.take(bench_);
  auto& exchange = bench_.exchanges.take(bench_);
  exchange.open(leg);
  leg.open(*connection_, *this, id, exchange);
  add(leg);
  return &leg;
}

void ServerSession::take_frame(const nghttp2_frame& frame) {
  const bool pong = frame.hd.type == NGHTTP2_PING && (frame.hd.flags & NGHTTP2_FLAG_ACK);
  if (pong && drain_ == Drain::kAnnounced) say_final_goaway();
}

void ServerSession::drain() {
  if (drain_ != Drain::kNo || terminated_) return;
  drain_ = Drain::kAnnounced;
  drain_began_ = loop_.now();
  nghttp2_submit_shutdown_notice(library());
  nghttp2_submit_ping(library(), NGHTTP2_FLAG_NONE, nullptr);
  loop_.at_turn_end(*connection_);
}

void ServerSession::say_final_goaway() {
  drain_ = Drain::kFinal;
  nghttp2_submit_goaway(library(), NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(library()),
                        NGHTTP2_NO_ERROR, nullptr, 0);
}

void ServerSession::update_deadline() {
  const auto& settings = *bench_.tables->settings;
  const TimePoint now = loop_.now();
  if (progress_bytes_ != written_bytes() || !was_blocked_) progress_ = now;
  progress_bytes_ = written_bytes();
  was_blocked_ = blocked();
  if (!idle_ && streams().empty()) idle_since_ = now;
  idle_ = streams().empty();

  std::optional<TimePoint> deadline;
  const auto earlier = [&](TimePoint other) { deadline = deadline ? std::min(*deadline, other) : other; };
  if (section_began_) earlier(*section_began_ + settings.header_timeout);
  if (blocked()) earlier(progress_ + settings.body_timeout);
  if (drain_ == Drain::kAnnounced) earlier(drain_began_ + limits::kLingerTimeout);
  if (idle_ && drain_ != Drain::kFinal) earlier(idle_since_ + settings.idle_timeout);
  if (deadline)
    loop_.timers().arm(*connection_, *deadline);
  else
    connection_->cancel();
}

void ServerSession::on_deadline() {
  const auto& settings = *bench_.tables->settings;
  const TimePoint now = loop_.now();
  const bool head_is_due = section_began_ && now >= *section_began_ + settings.header_timeout;
  const bool write_is_due = blocked() && now >= progress_ + settings.body_timeout;
  if (head_is_due || write_is_due) {
    counters_.add(head_is_due ? Counter::kHttp2HeaderTimeouts : Counter::kHttp2WriteTimeouts);
    return end();
  }
  if (drain_ == Drain::kAnnounced) say_final_goaway();  // a client that answers no PING
  if (idle_ && drain_ != Drain::kFinal && now >= idle_since_ + settings.idle_timeout) {
    counters_.add(Counter::kIdleTimeouts);
    say_final_goaway();
  }
  loop_.at_turn_end(*connection_);
}

void ServerSession::end() {
  while (!streams().empty()) static_cast<Http2ClientLeg*>(streams().back())->lose();
  close();
  ClientConnection& connection = *connection_;
  connection_ = nullptr;
  bench_.http2_sessions.give(*this);
  connection.http2_over();
}

}  // namespace headgate::shard::http2
