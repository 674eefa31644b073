// SPDX-License-Identifier: Apache-2.0
// What a thread of a shard counts, and how an exchange ended. Every ending is counted by itself and stands in
// the access log by its name. Law: requests = Σ endings + exchanges still running. Threads: the owner counts,
// the control thread reads.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "dataplane/crossing/worker_counters.hpp"
#include "dataplane/l7/outcome.hpp"
#include "dataplane/shard/client_hello.hpp"
#include "dataplane/shard/http1/syntax.hpp"
#include "dataplane/tls/handshake_failure.hpp"

namespace headgate::shard {

enum class Counter : uint8_t {
  kConnectionsAccepted,
  kConnectionsClosed,
  kConnectionsRefused,  // over the limit, or memory is short: 503
  kSourcesRefused,      // connections of a client that has as many as one may have: 429
  kRequests,
  kResponses1xx,
  kResponses2xx,
  kResponses3xx,
  kResponses4xx,
  kResponses5xx,
  kClientRxBytes,  // of bodies
  kClientTxBytes,  // heads and bodies
  kUpstreamConnects,
  kUpstreamConnectFailures,
  kUpstreamReuses,
  kUpstreamStale,  // a reused connection that the backend had closed
  kRetries,
  kRetryBudgetSpent,  // a retry that the rule wanted and the pool's budget did not allow
  kUpstreamQueued,    // exchanges that waited for a connection
  kEjections,
  kEjectionsSpared,  // as many endpoints were ejected as may be
  kAccessLogLost,    // lines: the disk was slower than the traffic
  kHttp2Connections,
  kHttp2Violations,       // of the protocol, or of the library's limits: GOAWAY
  kHttp2ResetFloods,      // streams reset too often, by either side: GOAWAY
  kHttp2ControlFloods,    // PING, SETTINGS, PRIORITY, empty DATA: GOAWAY
  kHttp2HeaderFloods,     // a header section far over the limit: GOAWAY
  kHttp2HeaderTimeouts,   // a header section that did not end: closed
  kHttp2WriteTimeouts,    // a client that takes no bytes: closed
  kHttp2StreamsRefused,   // past the maximum, of a client that may not know it yet
  kIdleTimeouts,          // connections of clients that brought no request for too long: closed
  kTlsHandshakes,         // of clients, that gave a session; the failed ones are counted by reason
  kTlsHandshakesResumed,  // of these: the session began on another connection
  kHopPeersRefused,       // connections to the hop socket by somebody who may not
  kHopWaits,              // requests over the hop that came before their route did
  kProxyHeaders,          // connections that a trusted proxy has passed on, or TLS that a first tier has
  kProxyHeadersRefused,   // it said nothing that could be understood, or not in time: closed
  kProxyTlvsRefused,      // of these: by what it said beside the addresses
  kBytesPiped,            // of responses, that were never copied here
  kResponsesCompressed,
  kCompressorsExhausted,   // responses that passed as they are: too many were compressed at once
  kMirrors,                // copies of requests, begun
  kMirrorsAnswered,        // of these: to the end of the answer
  kMirrorsFailed,          // of these: no backend, no connection, no answer
  kMirrorsCutOff,          // of these: too slow, or the request came to no end
  kMirrorsSpared,          // not begun: too many were under way
  kRequestsBuffered,       // whose body was read whole before it was sent
  kUpstreamTlsHandshakes,  // with backends, likewise
  kUpstreamTlsHandshakesResumed,
  kTlsPassthroughs,  // connections that no TLS ends on here; each is a request as well
  kSpans,
  kSpansLost,  // of these: the exporter was behind
};
inline constexpr std::size_t kCounters = static_cast<std::size_t>(Counter::kSpansLost) + 1;
std::string_view name_of(Counter counter);  // "requests_total"

enum class Ending : uint8_t {
  kCompleted,
  kMalformed,           // 400, 414, 417, 431, 505: the fault is counted apart
  kNotRouted,           // 400, 404, 500, 503: the outcome of routing is counted apart
  kNotImplemented,      // 501: CONNECT
  kHeaderTimeout,       // 408
  kBodyTimeout,         // 408, or the connection closed once a response had begun
  kBodyTooLarge,        // 413
  kBuffersExhausted,    // 503: too much is buffered for others
  kClientGone,          // it reset the connection, or ended it inside its request
  kBackendUnreachable,  // 503: every connect failed
  kBackendClosed,       // 502 or a truncated response
  kBackendMalformed,    // 502: the response broke the framing rules
  kResponseTimeout,     // 504 or a truncated response
  kRequestTimeout,      // 504 or a truncated response
  kTunnelled,           // 101 (over HTTP/2: 200), then bytes; or TLS that was passed through
  kOverloaded,          // 503: memory is short
  kFiltered,            // answered by a filter of the rule: redirect, direct response, 403, 429, preflight
};
inline constexpr std::size_t kEndings = static_cast<std::size_t>(Ending::kFiltered) + 1;
std::string_view name_of(Ending ending);

class ThreadCounters {
 public:
  void add(Counter counter, uint64_t count = 1) { plain_.add(static_cast<std::size_t>(counter), count); }
  void add(Ending ending) { endings_.add(static_cast<std::size_t>(ending)); }
  void add(http1::Fault fault) { faults_.add(static_cast<std::size_t>(fault)); }
  void add(HelloFault fault) { hello_faults_.add(static_cast<std::size_t>(fault)); }
  void add(l7::Outcome outcome) { outcomes_.add(static_cast<std::size_t>(outcome)); }
  void add(tls::HandshakeFailure failure) { handshakes_.add(static_cast<std::size_t>(failure)); }
  // Of a try whose backend could not be spoken to.
  void add_upstream(tls::HandshakeFailure failure) {
    upstream_handshakes_.add(static_cast<std::size_t>(failure));
  }
  void add_response(uint16_t status) {
    plain_.add(static_cast<std::size_t>(Counter::kResponses1xx) + status / 100 - 1);
  }

  uint64_t read(Counter counter) const { return plain_.read(static_cast<std::size_t>(counter)); }
  uint64_t read(Ending ending) const { return endings_.read(static_cast<std::size_t>(ending)); }
  uint64_t read(http1::Fault fault) const { return faults_.read(static_cast<std::size_t>(fault)); }
  uint64_t read(HelloFault fault) const { return hello_faults_.read(static_cast<std::size_t>(fault)); }
  uint64_t read(l7::Outcome outcome) const { return outcomes_.read(static_cast<std::size_t>(outcome)); }
  uint64_t read(tls::HandshakeFailure failure) const {
    return handshakes_.read(static_cast<std::size_t>(failure));
  }
  uint64_t read_upstream(tls::HandshakeFailure failure) const {
    return upstream_handshakes_.read(static_cast<std::size_t>(failure));
  }

 private:
  crossing::WorkerCounters<kCounters> plain_;
  crossing::WorkerCounters<kEndings> endings_;
  crossing::WorkerCounters<http1::kFaults> faults_;
  crossing::WorkerCounters<kHelloFaults> hello_faults_;
  crossing::WorkerCounters<l7::kOutcomes> outcomes_;
  crossing::WorkerCounters<tls::kHandshakeFailures> handshakes_;
  crossing::WorkerCounters<tls::kHandshakeFailures> upstream_handshakes_;
};

}  // namespace headgate::shard
