// SPDX-License-Identifier: Apache-2.0
// Outcome: where the way of a request through routing and balancing ended; one enum for all its stages, so
// that the access log, the counters and the status sent say the same. Pure values.
#pragma once

#include <cstdint>
#include <string_view>

namespace headgate::l7 {

enum class Outcome : uint8_t {
  kFound,
  kBadPath,            // 400: a target that no two parties read alike (path.hpp)
  kBadHost,            // 400
  kNoListener,         // 404: no listener here serves this hostname
  kNoRule,             // 404: no rule of any route matches
  kNoForward,          // 500: the rule forwards to nothing, or all its weights are 0
  kUnresolvedForward,  // 500: this share of the weight names what is missing or not granted
  kNoUsableBackend,    // 503: all are down or draining, or a name has no address
  kAllBackendsTried,   // 503: this exchange has tried every one
  kMisdirected,        // 421: over TLS to a host that another certificate or listener stands for
  kPoolRequestsFull,   // 503: the pool's breaker: as many requests run as may
  kPoolQueueFull,      // 503: … as many wait for a connection as may
  kPoolQueueTimeout,   // 503: … it waited for a connection for too long
  kBadHopContext,      // 400: on a hop socket, without a context that can be understood
  kNoHopListener,      // 421: the context names a listener that is not reached by this hop
  kListenerGone,       // 421: the connection's listener is not here any more; it may be elsewhere
};
inline constexpr std::size_t kOutcomes = 16;

uint16_t http_status(Outcome outcome);      // 0 of kFound
std::string_view name_of(Outcome outcome);  // "no_rule", as logs and counters spell it

}  // namespace headgate::l7
