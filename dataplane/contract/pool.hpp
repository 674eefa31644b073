// SPDX-License-Identifier: Apache-2.0
// Pool: backends with one balancing rule, and how they are spoken to; what of it concerns single tries stands
// in upstream.hpp. Plain values, part of objects.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "dataplane/contract/boxed.hpp"
#include "dataplane/contract/bytes.hpp"
#include "dataplane/contract/fields.hpp"
#include "dataplane/contract/upstream.hpp"

namespace headgate::contract {

// "round_robin" "least_requests" "random" "maglev"
enum class Algorithm : uint8_t { kRoundRobin, kLeastRequests, kRandom, kMaglev };
enum class WhenAllDown : uint8_t { kRefuse, kTryAll };    // "refuse" "try_all"
enum class PoolProtocol : uint8_t { kHttp1, kH2c, kH2 };  // "http1" "h2c" "h2": what its backends speak
// "tcp" "http" "https" "udp" "icmp"
enum class HealthCheckType : uint8_t { kTcp, kHttp, kHttps, kUdp, kIcmp };
enum class TlsVersion : uint8_t { kTls12, kTls13 };       // "1.2" "1.3"
enum class PoolTlsMode : uint8_t { kVerify, kInsecure };  // "verify" "insecure"
enum class ProxyVersion : uint8_t { kV1, kV2 };           // "v1" "v2": of the PROXY protocol

struct Backend {
  std::string host;  // an IP address, or a DNS name that headgate-node resolves
  uint16_t port = 0;
  uint32_t weight = 1;
  bool drain = false;     // nothing new; who comes by affinity is still served
  uint32_t priority = 0;  // 0 first; a higher number is for when the lower ones fail

  static constexpr auto kFields = std::tuple{
      field("host", &Backend::host), field("port", &Backend::port), field("weight", &Backend::weight),
      field("drain", &Backend::drain), field("priority", &Backend::priority)};
  friend bool operator==(const Backend&, const Backend&) = default;
};

struct HealthCheck {
  HealthCheckType type = HealthCheckType::kTcp;
  Millis interval{1'000};
  Millis timeout{1'000};
  uint32_t rise = 2;  // successes in a row that end "down"
  uint32_t fall = 3;  // failures in a row that prove "down"
  std::string path = "/";
  std::string host;  // Host header; empty: the backend's host
  std::vector<StatusRange> expected{StatusRange{}};
  Bytes request = {};   // of udp: one datagram
  Bytes response = {};  // of udp: what its answer begins with

  static constexpr auto kFields =
      std::tuple{field("type", &HealthCheck::type),       field("interval", &HealthCheck::interval),
                 field("timeout", &HealthCheck::timeout), field("rise", &HealthCheck::rise),
                 field("fall", &HealthCheck::fall),       field("path", &HealthCheck::path),
                 field("host", &HealthCheck::host),       field("expected", &HealthCheck::expected),
                 field("request", &HealthCheck::request), field("response", &HealthCheck::response)};
  friend bool operator==(const HealthCheck&, const HealthCheck&) = default;
};

// How TLS is spoken to a pool's backends.
struct PoolTls {
  PoolTlsMode mode = PoolTlsMode::kVerify;
  // Asked for, and what the certificate must stand for; empty: the backend's host.
  std::string server_name = {};
  std::vector<std::string> subject_alt_names = {};  // any of these, in place of the server name
  std::string ca = {};                              // TrustBundle::uid; empty: whom the system believes
  std::string certificate = {};                     // Certificate::uid, of our own; empty: none
  TlsVersion min_version = TlsVersion::kTls12;
  TlsVersion max_version = TlsVersion::kTls13;

  static constexpr auto kFields = std::tuple{field("mode", &PoolTls::mode),
                                             field("server_name", &PoolTls::server_name),
                                             field("subject_alt_names", &PoolTls::subject_alt_names),
                                             field("ca", &PoolTls::ca),
                                             field("certificate", &PoolTls::certificate),
                                             field("min_version", &PoolTls::min_version),
                                             field("max_version", &PoolTls::max_version)};
  friend bool operator==(const PoolTls&, const PoolTls&) = default;
};

struct Pool {
  std::string uid;
  std::string namespace_name;
  std::string name;
  Algorithm algorithm = Algorithm::kRoundRobin;
  std::vector<Backend> backends;
  Boxed<HealthCheck> health;
  WhenAllDown when_all_down = WhenAllDown::kRefuse;
  PoolProtocol protocol = PoolProtocol::kHttp1;
  HashKey hash = {};  // where the algorithm is kMaglev
  std::optional<Millis> slow_start = {};
  std::optional<Millis> drain_timeout = {};  // of flows through l4
  // A priority serves while at least this share of its endpoints is usable; 0: while any is.
  uint32_t failover_percent = 0;
  Boxed<Outlier> outlier = {};
  CircuitBreaker circuit_breaker = {};
  RetryBudget retry_budget = {};
  std::optional<Millis> connect_timeout = {};   // nothing: the shard's
  std::optional<Millis> idle_timeout = {};      // of a connection between two exchanges
  std::optional<Millis> response_timeout = {};  // generated, of a hop: what a try of the second tier may take
  std::string hop_to = {};  // generated: that shard's hop socket on the same node, in the place of backends
  Boxed<PoolTls> tls = {};  // nothing: plain
  // Each connection begins with a header that says whose it is; ahead of TLS. Nothing: none does.
  std::optional<ProxyVersion> proxy_protocol = {};

  static constexpr auto kFields = std::tuple{field("uid", &Pool::uid),
                                             field("namespace", &Pool::namespace_name),
                                             field("name", &Pool::name),
                                             field("algorithm", &Pool::algorithm),
                                             field("backends", &Pool::backends),
                                             field("health", &Pool::health),
                                             field("when_all_down", &Pool::when_all_down),
                                             field("protocol", &Pool::protocol),
                                             field("hash", &Pool::hash),
                                             field("slow_start", &Pool::slow_start),
                                             field("drain_timeout", &Pool::drain_timeout),
                                             field("failover_percent", &Pool::failover_percent),
                                             field("outlier", &Pool::outlier),
                                             field("circuit_breaker", &Pool::circuit_breaker),
                                             field("retry_budget", &Pool::retry_budget),
                                             field("connect_timeout", &Pool::connect_timeout),
                                             field("idle_timeout", &Pool::idle_timeout),
                                             field("response_timeout", &Pool::response_timeout),
                                             field("hop_to", &Pool::hop_to),
                                             field("tls", &Pool::tls),
                                             field("proxy_protocol", &Pool::proxy_protocol)};
  friend bool operator==(const Pool&, const Pool&) = default;
};

}  // namespace headgate::contract
