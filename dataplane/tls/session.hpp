// SPDX-License-Identifier: Apache-2.0
// Session: TLS on one connected, non-blocking socket. It calls recv and send itself, but only when the socket
// may have something to give or to take: note_socket() tells it of epoll's edges. Every call says with a
// small Result what came of it; after kFailed only the destructor is of use. Thread: the connection's. The fd
// outlives it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "dataplane/tls/client_context.hpp"
#include "dataplane/tls/door.hpp"
#include "dataplane/tls/handshake_failure.hpp"
#include "dataplane/tls/peer_identity.hpp"

namespace headgate::tls {

struct SessionState;

// By which a client resumes a session that it had with the same peer under the same ClientContext: nothing is
// verified again. A value of one thread.
class Ticket {
 public:
  Ticket() = default;
  explicit operator bool() const { return held_ != nullptr; }

 private:
  friend class Session;
  std::shared_ptr<void> held_;
};

class Session {
 public:
  // kEnd: the other side has said that it sends no more. An end of the connection without that is kFailed:
  // somebody may have cut it.
  enum class Status : uint8_t { kOk, kWantsRead, kWantsWrite, kEnd, kFailed };
  struct Result {
    Status status = Status::kOk;
    std::size_t bytes = 0;
  };

  Session() noexcept;
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();
  explicit operator bool() const { return state_ != nullptr; }

  // Empty where the door can show no certificate at all, or memory is short.
  static Session accept(std::shared_ptr<const Door> door, int fd);

  // To a backend: `server_name` (a DNS name or an address) is asked for and verified as `context` says. Empty
  // where memory is short.
  static Session connect(std::shared_ptr<const ClientContext> context, int fd, const std::string& server_name,
                         const Ticket& ticket);
  Ticket take_ticket();  // the newest that has come; empty: none since

  void note_socket(bool readable, bool writable, bool ending);
  Result handshake();  // again until kOk or kFailed
  // Up to the room, over as many records as are there.
  Result read(std::span<char> room);
  // Whether another read() may give something before the socket's next edge.
  bool may_read() const;
  // At most one record. After kWantsWrite: again, with the same bytes in front. `more`: a write() of other
  // bytes follows at once, so segments need not end with this record.
  Result write(std::string_view bytes, bool more);
  // Tells the other side that nothing follows; at most once, and never waiting.
  void close_notify();

  // The client's first message is read: what a handshake costs is spent, or soon will be.
  bool begun() const;
  // After kFailed of handshake(); of TLS 1.3 the other side may refuse our certificate as late as in read().
  HandshakeFailure failure() const;
  bool resumed() const;                  // the session began on another connection
  std::string_view server_name() const;  // that the client asked for; may be empty
  std::string_view protocol() const;     // by ALPN; empty: none was agreed on
  std::string_view version() const;      // "TLSv1.3"
  std::string_view cipher() const;       // "TLS_AES_128_GCM_SHA256"
  // Of a client, on this connection or on that where its session began; null: it showed no certificate. Both
  // are worked out when they are first asked for, and stay.
  const PeerIdentity* peer() const;
  std::string_view peer_certificate() const;  // byte_sequence_of() it; empty as above
  std::string_view listener() const;          // its uid: whose policy and certificates these are
  // Whether a client that had asked for `host` had got the same certificate of the same listener.
  bool would_serve(std::string_view host) const;

 private:
  explicit Session(std::unique_ptr<SessionState> state);
  void renew_ticket();
  Result trouble(int returned);
  Result fail(HandshakeFailure failure);

  std::unique_ptr<SessionState> state_;
};

}  // namespace headgate::tls
