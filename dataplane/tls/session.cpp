// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/session.hpp"

#include <openssl/err.h>

#include "dataplane/core/ip_address.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/tls/certificate_context.hpp"
#include "dataplane/tls/client_context_parts.hpp"
#include "dataplane/tls/session_state.hpp"

namespace headgate::tls {
namespace {

// Null: there is none. A ticket brings it along (SSL_SESSION(3)); who is not believed gets no further than
// the handshake, so the result is asked for only to be sure.
X509* verified_client(const SessionState& state) {
  const bool is_client = state.established && !state.client;
  if (!is_client || SSL_get_verify_result(state.ssl.get()) != X509_V_OK) return nullptr;
  return SSL_get0_peer_certificate(state.ssl.get());
}

}  // namespace

Session::Session() noexcept = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;
Session::Session(std::unique_ptr<SessionState> state) : state_(std::move(state)) {}

Session Session::accept(std::shared_ptr<const Door> door, int fd) {
  if (!door->any()) return {};
  auto state = std::make_unique<SessionState>();
  state->fd = fd;
  state->ssl.reset(SSL_new(door->any()->get()));
  state->door = std::move(door);
  if (!state->ssl || !attach_socket(state->ssl.get(), *state)) {
    ERR_clear_error();
    return {};
  }
  SSL_set_accept_state(state->ssl.get());
  return Session(std::move(state));
}

Session Session::connect(std::shared_ptr<const ClientContext> context, int fd, const std::string& server_name,
                         const Ticket& ticket) {
  auto state = std::make_unique<SessionState>();
  const ClientContext::Parts& parts = *context->parts_;
  state->fd = fd;
  state->ssl.reset(SSL_new(parts.context.get()));
  SSL* const ssl = state->ssl.get();
  const bool is_address = IpAddress::parse(server_name).has_value();
  bool ready = ssl && attach_socket(ssl, *state);
  // RFC 6066 section 3: an address is asked for by no name.
  if (ready && !is_address) ready = SSL_set_tlsext_host_name(ssl, server_name.c_str()) == 1;
  if (ready && parts.verifies_name)
    ready = (is_address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), server_name.c_str())
                        : SSL_set1_host(ssl, server_name.c_str())) == 1;
  if (ready && ticket) {
    // A copy, for the same reason as in keep_ticket(): this connection may be cut, and the ticket stays good.
    const SslSessionPtr copy(SSL_SESSION_dup(static_cast<SSL_SESSION*>(ticket.held_.get())));
    ready = copy && SSL_set_session(ssl, copy.get()) == 1;
  }
  ERR_clear_error();
  if (!ready) return {};
  state->client = std::move(context);
  SSL_set_connect_state(ssl);
  return Session(std::move(state));
}

Ticket Session::take_ticket() {
  Ticket ticket;
  if (state_->ticket)
    ticket.held_ = {state_->ticket.release(),
                    [](void* held) { SSL_SESSION_free(static_cast<SSL_SESSION*>(held)); }};
  return ticket;
}

void Session::note_socket(bool readable, bool writable, bool ending) {
  if (readable) state_->readable = true;
  if (readable) state_->wants_read = false;
  if (writable) state_->writable = true;
  if (ending) state_->ending = true;
}

Session::Result Session::handshake() {
  if (state_->useless) return {Status::kFailed, 0};
  const int returned = SSL_do_handshake(state_->ssl.get());
  if (returned != 1) return trouble(returned);
  state_->wants_read = false;
  if (state_->client) {
    const auto& needed = state_->client->parts_->needed_protocol;
    if (!needed.empty() && protocol() != needed) return fail(HandshakeFailure::kNothingInCommon);
    state_->established = true;
    return {};
  }
  state_->established = true;
  // Who resumed is not asked for a certificate again, so with a new ticket each time it never would be.
  if (resumed() && !verified_client(*state_) && SSL_version(state_->ssl.get()) == TLS1_3_VERSION &&
      state_->choice.certificate->policy().tickets)
    renew_ticket();
  return {};
}

// The one place that reads OpenSSL's error queue, and leaves it empty: what stood in it would be taken for
// the reason of the next connection's failure (SSL_get_error(3)).
Session::Result Session::trouble(int returned) {
  switch (SSL_get_error(state_->ssl.get(), returned)) {
    case SSL_ERROR_WANT_READ:
      state_->wants_read = true;
      return {Status::kWantsRead, 0};
    case SSL_ERROR_WANT_WRITE:
      return {Status::kWantsWrite, 0};
    case SSL_ERROR_ZERO_RETURN:
      state_->peer_ended = true;
      return {Status::kEnd, 0};
    default:
      break;
  }
  const bool gone = state_->ended || state_->broken;
  return fail(gone ? HandshakeFailure::kGone
                   : failure_of(ERR_peek_error(), SSL_get_verify_result(state_->ssl.get())));
}

Session::Result Session::fail(HandshakeFailure failure) {
  state_->useless = true;
  state_->failure = failure;
  ERR_clear_error();
  return {Status::kFailed, 0};
}

Session::Result Session::read(std::span<char> room) {
  if (state_->useless) return {Status::kFailed, 0};
  Result total;
  do {
    std::size_t got_bytes = 0;
    const auto left = room.subspan(total.bytes);
    const int returned = SSL_read_ex(state_->ssl.get(), left.data(), left.size(), &got_bytes);
    if (returned != 1) {
      const Result trouble_met = trouble(returned);
      // It is met again by the next read(): an end and a failure stay.
      return total.bytes > 0 ? total : trouble_met;
    }
    total.bytes += got_bytes;
  } while (total.bytes < room.size() && may_read());
  return total;
}

bool Session::may_read() const {
  if (state_->useless || state_->peer_ended) return true;  // which is still to be told
  return state_->readable || (!state_->wants_read && SSL_has_pending(state_->ssl.get()) == 1);
}

Session::Result Session::write(std::string_view bytes, bool more) {
  if (state_->useless) return {Status::kFailed, 0};
  state_->more = more || bytes.size() > limits::kTlsRecordBytes;
  std::size_t sent_bytes = 0;
  const int returned = SSL_write_ex(state_->ssl.get(), bytes.data(), bytes.size(), &sent_bytes);
  if (returned != 1) return trouble(returned);
  return {Status::kOk, sent_bytes};
}

// OpenSSL gives one by itself after a full handshake alone, and clients use one once (RFC 8446 appendix C.4):
// whoever had resumed would have none. Not later: the segment that brings it acknowledges the client's last
// message, for which the request of one without TCP_NODELAY waits.
void Session::renew_ticket() {
  if (SSL_new_session_ticket(state_->ssl.get()) == 1) SSL_do_handshake(state_->ssl.get());
  ERR_clear_error();
}

void Session::close_notify() {
  if (!state_->established || state_->useless || state_->notified) return;
  state_->notified = true;
  state_->more = false;
  SSL_shutdown(state_->ssl.get());
  ERR_clear_error();
}

bool Session::begun() const { return state_->choice.certificate != nullptr; }
HandshakeFailure Session::failure() const { return state_->failure; }
bool Session::resumed() const { return SSL_session_reused(state_->ssl.get()) == 1; }
std::string_view Session::server_name() const { return state_->server_name; }
std::string_view Session::version() const { return SSL_get_version(state_->ssl.get()); }
std::string_view Session::cipher() const { return SSL_get_cipher_name(state_->ssl.get()); }

const PeerIdentity* Session::peer() const {
  if (state_->peer) return &state_->peer->identity;
  X509* const certificate = verified_client(*state_);
  if (!certificate) return nullptr;
  state_->peer = std::make_unique<PeerFacts>(PeerFacts{identity_of(certificate), {}});
  return &state_->peer->identity;
}

std::string_view Session::peer_certificate() const {
  if (!peer()) return {};
  auto& text = state_->peer->certificate;
  if (text.empty()) text = byte_sequence_of(verified_client(*state_));
  return text;
}

std::string_view Session::protocol() const {
  const unsigned char* name = nullptr;
  unsigned int length_bytes = 0;
  SSL_get0_alpn_selected(state_->ssl.get(), &name, &length_bytes);
  return {reinterpret_cast<const char*>(name), length_bytes};
}

std::string_view Session::listener() const {
  return state_->choice.listener ? std::string_view(state_->choice.listener->policy().listener)
                                 : std::string_view();
}

bool Session::would_serve(std::string_view host) const {
  return host == state_->server_name || state_->door->choose(host) == state_->choice;
}

}  // namespace headgate::tls
