// SPDX-License-Identifier: Apache-2.0
// What a pool and a route's rule say of the upstream side: how a key is hashed, who is ejected, how much is
// let through at once, what is tried again. Plain values of objects.hpp, frozen with their Pool or Route.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/contract/fields.hpp"

namespace headgate::contract {

using Millis = std::chrono::milliseconds;

// "source_address" "header" "cookie" "path" "query"
enum class HashSource : uint8_t { kSourceAddress, kHeader, kCookie, kPath, kQuery };
enum class SameSite : uint8_t { kNone, kLax, kStrict };  // "none" "lax" "strict"
// "connect_failure" "reset" "refused_stream" "timeout"
enum class RetryOn : uint8_t { kConnectFailure, kReset, kRefusedStream, kTimeout };

struct StatusRange {
  uint16_t first = 200;
  uint16_t last = 299;

  static constexpr auto kFields =
      std::tuple{field("first", &StatusRange::first), field("last", &StatusRange::last)};
  friend bool operator==(const StatusRange&, const StatusRange&) = default;
};

// What the algorithm maglev hashes. A request without it takes turns.
struct HashKey {
  HashSource source = HashSource::kSourceAddress;
  std::string name;  // of the header (lower case), the cookie or the query's parameter

  static constexpr auto kFields =
      std::tuple{field("source", &HashKey::source), field("name", &HashKey::name)};
  friend bool operator==(const HashKey&, const HashKey&) = default;
};

// Passive ejection: an endpoint that fails in a row is passed over for a while. A threshold of 0: never.
struct Outlier {
  uint32_t consecutive_5xx = 5;
  uint32_t consecutive_gateway_failures =
      0;  // 502, 503, 504, and what connect failures, resets, timeouts are
  uint32_t consecutive_connect_failures = 3;
  Millis base_ejection_time{30'000};  // times the number of ejections in a row
  Millis ejection_time_max{300'000};
  uint32_t ejected_percent_max = 10;  // of the pool's endpoints, but one of two or more always may be

  static constexpr auto kFields =
      std::tuple{field("consecutive_5xx", &Outlier::consecutive_5xx),
                 field("consecutive_gateway_failures", &Outlier::consecutive_gateway_failures),
                 field("consecutive_connect_failures", &Outlier::consecutive_connect_failures),
                 field("base_ejection_time", &Outlier::base_ejection_time),
                 field("ejection_time_max", &Outlier::ejection_time_max),
                 field("ejected_percent_max", &Outlier::ejected_percent_max)};
  friend bool operator==(const Outlier&, const Outlier&) = default;
};

// Of one replica: each of its threads gets an equal part, at least 1. 0: no limit.
struct CircuitBreaker {
  uint32_t connections_max = 0;
  uint32_t pending_max = 1024;  // exchanges that wait for a connection, where connections_max is reached
  uint32_t requests_max = 0;
  uint32_t requests_per_connection_max = 0;  // of one connection, not of the replica
  Millis pending_timeout{5'000};

  static constexpr auto kFields =
      std::tuple{field("connections_max", &CircuitBreaker::connections_max),
                 field("pending_max", &CircuitBreaker::pending_max),
                 field("requests_max", &CircuitBreaker::requests_max),
                 field("requests_per_connection_max", &CircuitBreaker::requests_per_connection_max),
                 field("pending_timeout", &CircuitBreaker::pending_timeout)};
  friend bool operator==(const CircuitBreaker&, const CircuitBreaker&) = default;
};

// How many of a pool's running requests may be repetitions, by pool and thread.
struct RetryBudget {
  uint32_t percent = 20;
  uint32_t retries_min = 3;  // may run whatever the share is

  static constexpr auto kFields =
      std::tuple{field("percent", &RetryBudget::percent), field("retries_min", &RetryBudget::retries_min)};
  friend bool operator==(const RetryBudget&, const RetryBudget&) = default;
};

// Of a rule. What RFC 9110 section 9.2.2 forbids to repeat is not, whatever stands here.
struct Retry {
  uint32_t attempts = 1;  // beyond the first
  std::vector<RetryOn> on = {};
  std::vector<StatusRange> statuses = {};
  Millis backoff_base{25};
  Millis backoff_max{250};

  static constexpr auto kFields = std::tuple{
      field("attempts", &Retry::attempts), field("on", &Retry::on), field("statuses", &Retry::statuses),
      field("backoff_base", &Retry::backoff_base), field("backoff_max", &Retry::backoff_max)};
  friend bool operator==(const Retry&, const Retry&) = default;
};

// Of a rule: the client comes back to the endpoint that a cookie of ours names, while that is usable.
struct CookieAffinity {
  std::string name = "headgate_affinity";
  std::string path = "/";
  std::optional<Millis> ttl = {};  // nothing: until the browser ends
  SameSite same_site = SameSite::kLax;
  bool http_only = true;
  bool secure = false;

  static constexpr auto kFields = std::tuple{field("name", &CookieAffinity::name),
                                             field("path", &CookieAffinity::path),
                                             field("ttl", &CookieAffinity::ttl),
                                             field("same_site", &CookieAffinity::same_site),
                                             field("http_only", &CookieAffinity::http_only),
                                             field("secure", &CookieAffinity::secure)};
  friend bool operator==(const CookieAffinity&, const CookieAffinity&) = default;
};

}  // namespace headgate::contract
