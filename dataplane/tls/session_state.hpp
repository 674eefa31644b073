// SPDX-License-Identifier: Apache-2.0
// What a Session is made of. For the sources of this folder. Thread: the connection's.
#pragma once

#include "dataplane/tls/session.hpp"
#include "dataplane/tls/socket_bio.hpp"

namespace headgate::tls {

// What has been asked for of the client's certificate.
struct PeerFacts {
  PeerIdentity identity;
  std::string certificate;
};

struct SessionState : Socket {
  std::shared_ptr<const Door> door;  // counted once a connection, beside what OpenSSL counts
  Door::Choice choice;
  std::string server_name;
  HandshakeFailure failure = HandshakeFailure::kNone;
  bool established = false;
  bool useless = false;  // after a fatal error
  bool notified = false;
  bool peer_ended = false;                      // by its close_notify
  bool wants_read = false;                      // what OpenSSL holds is no whole record
  std::unique_ptr<PeerFacts> peer;              // a pointer, as most clients have no certificate
  std::shared_ptr<const ClientContext> client;  // where we are the client; then there is no door
  SslSessionPtr ticket;                         // the newest that the server gave
  SslPtr ssl;                                   // last, so first to go: it refers to all the rest
};

inline SessionState& state_of(SSL* ssl) { return static_cast<SessionState&>(socket_of(ssl)); }

}  // namespace headgate::tls
