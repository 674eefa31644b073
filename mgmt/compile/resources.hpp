// SPDX-License-Identifier: Apache-2.0
// The configured resources as types: what a REST body says, with its defaults filled in. Where the data plane
// is told the same thing in the same shape, the contract's type is used. Plain values, frozen once parsed;
// any thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "dataplane/contract/enum_names.hpp"
#include "dataplane/contract/objects.hpp"
#include "db/store/object.hpp"

namespace headgate::compile {

using Labels = std::map<std::string, std::string>;

struct Node {
  bool ingress = true;  // roles: takes packets from outside
  bool worker = true;   // roles: runs shards
  Labels labels = {};
  bool drain = false;
};

struct Shard {
  std::optional<std::vector<std::string>> node_names = {};  // the nodes that run it;
  Labels node_labels = {};                                  // without names: workers that carry all of these
  uint32_t replicas_per_node = 1;
  uint32_t threads_per_replica = 1;
  uint64_t memory_max_bytes_per_replica = 0;  // 0: no limit
  uint32_t connections_max_per_replica = 10'000;
  contract::ShardSettings settings = {};  // but its name
  Labels labels = {};
};

// A certificate or secret that stands in no namespace has an empty one.
struct ObjectRef {
  std::string namespace_name = {};
  std::string name = {};

  friend bool operator==(const ObjectRef&, const ObjectRef&) = default;
};
inline db::ObjectKey key_of(db::Kind kind, const ObjectRef& reference) {
  return {kind, reference.namespace_name, reference.name};
}

struct ListenerTls {
  std::vector<ObjectRef> certificates = {};  // never empty
  contract::TlsVersion min_version = contract::TlsVersion::kTls12;
  contract::ClientAuth client_auth = contract::ClientAuth::kNone;
  std::optional<ObjectRef> client_ca = {};  // a secret of type client_ca
  bool forward_certificate = false;
};

struct Listener {
  IpAddress address = {};
  uint16_t port = 0;
  contract::Protocol protocol = contract::Protocol::kHttp;
  contract::Forwarding forwarding = contract::Forwarding::kLocal;
  std::string shard = {};              // of http, https and tls; else empty
  std::optional<ObjectRef> pool = {};  // of tcp and udp: l4 forwards to its backends, no shard is between
  std::optional<contract::Vxlan> vxlan = {};                     // where it does by vxlan
  contract::FlowBalance balance = contract::FlowBalance::kFlow;  // of these
  std::string hostname = {};                                     // lower case; empty: any
  std::vector<Prefix> trusted_proxies = {};
  bool proxy_protocol = false;
  contract::EscapedSlash escaped_slash = contract::EscapedSlash::kRefuse;
  bool forwarded_header = false;
  std::vector<std::string> namespaces = {};  // whose routes may attach; "*": all
  std::optional<ListenerTls> tls = {};       // of https, and only there
  Labels labels = {};
};

struct Grant {
  std::vector<std::string> namespaces = {};    // who may refer …
  std::vector<std::string> pools = {};         // … to these pools; "*" in either: all
  std::vector<std::string> certificates = {};  // that listeners, which are in no namespace, may show, and
                                               // pools of these namespaces
  std::vector<std::string> secrets = {};       // that listeners may use, and pools of these namespaces
};

struct Namespace {
  std::optional<std::string> shard = {};
  std::optional<std::vector<std::string>> hostnames = {};  // that its routes may claim; nothing: any
  std::vector<Grant> grants = {};
  Labels labels = {};
};

struct PoolRef {
  std::string namespace_name = {};  // resolved: "app" in namespace a is a/app
  std::string name = {};
  uint32_t weight = 1;
  contract::Boxed<contract::Filters> filters = {};
};

struct Rule {
  std::string name = {};
  std::vector<contract::RouteMatch> matches = {};  // never empty
  std::vector<PoolRef> forward = {};               // empty where a filter answers every request
  std::optional<contract::Millis> request_timeout = {};
  std::optional<contract::Millis> backend_request_timeout = {};
  std::optional<contract::Millis> idle_timeout = {};
  std::optional<contract::Retry> retry = {};
  std::optional<contract::CookieAffinity> affinity = {};
  contract::Boxed<contract::Filters> filters = {};
};

struct Route {
  std::vector<std::string> listeners = {};
  std::vector<std::string> hostnames = {};  // lower case; empty: any
  std::vector<Rule> rules = {};
  Labels labels = {};
};

struct PoolTls {
  contract::PoolTlsMode mode = contract::PoolTlsMode::kVerify;
  std::string server_name = {};  // empty: each backend's own host
  std::vector<std::string> subject_alt_names = {};
  std::optional<ObjectRef> ca = {};           // a secret of type ca; nothing: whom the system believes
  std::optional<ObjectRef> certificate = {};  // shown to backends that ask
  contract::TlsVersion min_version = contract::TlsVersion::kTls12;
  contract::TlsVersion max_version = contract::TlsVersion::kTls13;
};

// Of a filter `mirror`, whose pool is "namespace/name" here; build.hpp names it by its uid.
inline ObjectRef pool_named_by(const contract::Mirror& mirror) {
  const auto slash = mirror.pool.find('/');
  return {mirror.pool.substr(0, slash), mirror.pool.substr(slash + 1)};
}

// A pool that a route names, and the place in its body.
struct NamedPool {
  std::string pointer;
  ObjectRef pool;
};
std::vector<NamedPool> pools_named_by(const Route& route);

struct Pool {
  std::vector<contract::Backend> backends = {};
  contract::Algorithm algorithm = contract::Algorithm::kRoundRobin;
  std::optional<contract::HealthCheck> health = {};
  contract::WhenAllDown when_all_down = contract::WhenAllDown::kRefuse;
  contract::PoolProtocol protocol = contract::PoolProtocol::kHttp1;
  contract::HashKey hash = {};
  std::optional<contract::Millis> slow_start = {};
  std::optional<contract::Millis> drain_timeout = {};
  uint32_t failover_percent = 0;
  std::optional<contract::Outlier> outlier = {};
  contract::CircuitBreaker circuit_breaker = {};
  contract::RetryBudget retry_budget = {};
  std::optional<contract::Millis> connect_timeout = {};
  std::optional<contract::Millis> idle_timeout = {};
  std::optional<PoolTls> tls = {};  // nothing: plain
  std::optional<contract::ProxyVersion> proxy_protocol = {};
  Labels labels = {};
};

// What is write-only of these two is never in here, only its digest (write_only.hpp).
struct Certificate {
  std::string chain = {};       // PEM
  std::string key_digest = {};  // empty: its author sent no key, so the stored one is meant
  Labels labels = {};
};

enum class SecretType : uint8_t { kClientCa, kCa, kJwks, kApiKeys, kPassword, kOpaque };
// Authorities, whom everybody may know: of clients, of backends.
inline bool is_public(SecretType type) { return type == SecretType::kClientCa || type == SecretType::kCa; }

struct Secret {
  SecretType type = SecretType::kOpaque;
  std::string data = {};    // of what is_public(): PEM
  std::string digest = {};  // of the others; empty: its author sent no data, so the stored ones are meant
  Labels labels = {};
};

struct PolicyTarget {
  std::string pointer =
      {};  // in the body; empty: the namespace that the policy lives in, which it need not name
  db::ObjectKey object = {};

  friend bool operator==(const PolicyTarget&, const PolicyTarget&) = default;
};

struct Policy {
  std::vector<PolicyTarget> targets = {};  // never empty
  contract::PolicyMode mode = contract::PolicyMode::kDefault;
  contract::Boxed<contract::Filters> filters = {};  // only what contract::PolicyBlock names
  Labels labels = {};
};

// In the order of db::Kind.
using Resource = std::variant<Node, Shard, Listener, Namespace, Route, Pool, Certificate, Secret, Policy>;
inline db::Kind kind_of(const Resource& resource) { return static_cast<db::Kind>(resource.index()); }

}  // namespace headgate::compile

namespace headgate::contract {
template <>
struct EnumNames<compile::SecretType> {
  static constexpr std::array<std::string_view, 6> kNames{"client_ca", "ca",       "jwks",
                                                          "api_keys",  "password", "opaque"};
};
}  // namespace headgate::contract
