// SPDX-License-Identifier: Apache-2.0
// What a data plane is told: the compiled objects a node must know, each for one audience. Plain values,
// frozen once they are in a Snapshot. The words are DESIGN section 3's; a member's JSON key stands in
// kFields.
//
// Compatibility: a reader ignores keys it does not know and takes the default for those that are missing, so
// that a node may be one release older or newer than headgated.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dataplane/contract/boxed.hpp"
#include "dataplane/contract/fields.hpp"
#include "dataplane/contract/filters.hpp"
#include "dataplane/contract/http2_limits.hpp"
#include "dataplane/contract/log_field.hpp"
#include "dataplane/contract/policy.hpp"
#include "dataplane/contract/pool.hpp"
#include "dataplane/contract/route_match.hpp"
#include "dataplane/contract/tracing.hpp"
#include "dataplane/contract/upstream.hpp"
#include "dataplane/core/ip_address.hpp"

namespace headgate::contract {

enum class Protocol : uint8_t { kTcp, kUdp, kTls, kHttp, kHttps };  // "tcp" "udp" "tls" "http" "https"
enum class Forwarding : uint8_t { kLocal, kDsr, kVxlan, kIpip, kGue, kNat, kFullnat };
enum class EscapedSlash : uint8_t { kRefuse, kKeep };            // "refuse" "keep"
enum class AccessLog : uint8_t { kOff, kFile, kStderr };         // "off" "file" "stderr"
enum class ClientAuth : uint8_t { kNone, kOptional, kRequire };  // "none" "optional" "require"

// --- for headgate-node
// ---------------------------------------------------------------------------------------

// One a node. The local addresses carry the replicas' local ports and are put on `lo`.
struct NodeSettings {
  std::string name;
  IpAddress local_address_v4;
  IpAddress local_address_v6;
  bool drain = false;

  static constexpr auto kFields = std::tuple{
      field("name", &NodeSettings::name), field("local_address_v4", &NodeSettings::local_address_v4),
      field("local_address_v6", &NodeSettings::local_address_v6), field("drain", &NodeSettings::drain)};
  friend bool operator==(const NodeSettings&, const NodeSettings&) = default;
};

// A listening address of a shard on this node. Replica i listens on address:port (SO_REUSEPORT) and on the
// node's local address of the same family at local_ports[i]; headgate-node opens both, once a thread of the
// replica.
struct ListenSocket {
  IpAddress address;
  uint16_t port = 0;
  std::vector<uint16_t> local_ports;  // one a replica

  static constexpr auto kFields =
      std::tuple{field("address", &ListenSocket::address), field("port", &ListenSocket::port),
                 field("local_ports", &ListenSocket::local_ports)};
  friend bool operator==(const ListenSocket&, const ListenSocket&) = default;
};

// A shard whose listeners are served by another one over the derived hop (DESIGN section 1): it may speak on
// that one's hop socket, and is known there by its user.
struct HopPeer {
  std::string shard;
  uint32_t user_number = 0;  // ReplicaGroup::user_number of that shard

  static constexpr auto kFields =
      std::tuple{field("shard", &HopPeer::shard), field("user_number", &HopPeer::user_number)};
  friend bool operator==(const HopPeer&, const HopPeer&) = default;
};

// The replicas of one shard on this node: how many processes, with which limits and sockets.
struct ReplicaGroup {
  std::string shard;
  std::string shard_uid;
  uint32_t replicas = 1;
  uint32_t threads = 1;
  uint32_t user_number = 0;       // the shard's own user: the node's base uid + this; never reused
  uint64_t memory_max_bytes = 0;  // 0: no limit
  uint32_t connections_max = 0;   // of one replica; 0: as the fd limit allows
  std::vector<ListenSocket> sockets;
  std::vector<HopPeer> hop_peers = {};  // sorted by shard; not empty: its replicas share a hop socket

  static constexpr auto kFields = std::tuple{field("shard", &ReplicaGroup::shard),
                                             field("shard_uid", &ReplicaGroup::shard_uid),
                                             field("replicas", &ReplicaGroup::replicas),
                                             field("threads", &ReplicaGroup::threads),
                                             field("user_number", &ReplicaGroup::user_number),
                                             field("memory_max_bytes", &ReplicaGroup::memory_max_bytes),
                                             field("connections_max", &ReplicaGroup::connections_max),
                                             field("sockets", &ReplicaGroup::sockets),
                                             field("hop_peers", &ReplicaGroup::hop_peers)};
  friend bool operator==(const ReplicaGroup&, const ReplicaGroup&) = default;
};

// --- for headgate-l4
// -----------------------------------------------------------------------------------------

// What l4 forwards a flow to: a replica, by its local address and port (forwarding local), or a backend.
struct L4Target {
  uint32_t id = 0;   // stable: the same number for as long as a flow entry may name it
  std::string name;  // "shard/replica", or of a backend its health_member(); Maglev hashes the name, so every
                     // node chooses alike
  IpAddress address;
  uint16_t port = 0;
  uint32_t weight = 1;
  bool drain = false;     // keeps its flows, gets no new ones
  uint32_t priority = 0;  // gets new flows where all of lower numbers are down

  static constexpr auto kFields = std::tuple{field("id", &L4Target::id),
                                             field("name", &L4Target::name),
                                             field("address", &L4Target::address),
                                             field("port", &L4Target::port),
                                             field("weight", &L4Target::weight),
                                             field("drain", &L4Target::drain),
                                             field("priority", &L4Target::priority)};
  friend bool operator==(const L4Target&, const L4Target&) = default;
};

// Of forwarding vxlan: the network that the backends' devices are in, and the MAC address that all of them
// have.
struct Vxlan {
  uint32_t vni = 0;
  std::string mac;  // "02:00:00:00:00:07"

  static constexpr auto kFields = std::tuple{field("vni", &Vxlan::vni), field("mac", &Vxlan::mac)};
  friend bool operator==(const Vxlan&, const Vxlan&) = default;
};

// Which target gets a new flow: that of the whole flow's hash, of its source address's alone, or the next
// one's turn. All by weight.
enum class FlowBalance : uint8_t { kFlow, kSource, kRoundRobin };  // "flow" "source" "round_robin"

// One (address, port, tcp|udp) that l4 takes packets for. Several L7 listeners may share it.
struct L4Listener {
  IpAddress address;
  uint16_t port = 0;
  Protocol protocol = Protocol::kTcp;  // kTcp or kUdp only
  Forwarding forwarding = Forwarding::kLocal;
  std::vector<L4Target> targets;  // sorted by name
  // Pool::uid, whose backends the targets are: the group that their health is under, and for them the pool is
  // in the snapshot too. Empty: they are replicas.
  std::string pool = {};
  WhenAllDown when_all_down = WhenAllDown::kTryAll;
  std::optional<Vxlan> vxlan = {};  // where forwarding is kVxlan
  FlowBalance balance = FlowBalance::kFlow;

  static constexpr auto kFields = std::tuple{field("address", &L4Listener::address),
                                             field("port", &L4Listener::port),
                                             field("protocol", &L4Listener::protocol),
                                             field("forwarding", &L4Listener::forwarding),
                                             field("targets", &L4Listener::targets),
                                             field("pool", &L4Listener::pool),
                                             field("when_all_down", &L4Listener::when_all_down),
                                             field("vxlan", &L4Listener::vxlan),
                                             field("balance", &L4Listener::balance)};
  friend bool operator==(const L4Listener&, const L4Listener&) = default;
};

// --- for the replicas of a shard
// -----------------------------------------------------------------------------

struct ShardSettings {
  std::string name;
  AccessLog access_log = AccessLog::kFile;
  uint64_t access_log_file_bytes_max = 64u << 20;  // then it is rotated
  uint32_t access_log_files = 5;
  std::vector<LogField> access_log_fields = {};              // sorted; none: all but kPool
  std::vector<std::string> access_log_request_headers = {};  // in lower case, sorted; as the client sent them
  std::vector<std::string> access_log_response_headers = {};  // as it got them
  uint32_t header_bytes_max = 32u << 10;                      // request line and headers together, decoded
  uint32_t header_count_max = 100;
  uint32_t target_bytes_max = 8u << 10;
  uint64_t body_bytes_max = 0;              // 0: unbounded; bodies are streamed
  uint32_t connections_max_per_source = 0;  // of one replica; 0: one source may hold them all
  Http2Limits http2 = {};
  Millis header_timeout{10'000};
  Millis idle_timeout{60'000};  // of a client connection between two exchanges
  Millis body_timeout{30'000};  // without a byte from or to the client
  // Bytes a second that a client makes of the time which it holds a body up; what it lacks comes off its
  // body_timeout. 0: one byte in body_timeout is enough.
  uint32_t body_rate_min = 240;
  Millis connect_timeout{2'000};
  Millis response_timeout{60'000};   // until the backend's header, where the route sets none
  Millis handshake_timeout{10'000};  // of a client: TLS, or the ClientHello of what passes through
  std::string
      ticket_secret;  // digest of the cluster's secret that session ticket keys come from; empty: none
  std::vector<HopPeer> hop_peers = {};  // sorted by shard: whom it believes on its hop socket
  Boxed<Tracing> tracing = {};

  static constexpr auto kFields =
      std::tuple{field("name", &ShardSettings::name),
                 field("access_log", &ShardSettings::access_log),
                 field("access_log_file_bytes_max", &ShardSettings::access_log_file_bytes_max),
                 field("access_log_files", &ShardSettings::access_log_files),
                 field("access_log_fields", &ShardSettings::access_log_fields),
                 field("access_log_request_headers", &ShardSettings::access_log_request_headers),
                 field("access_log_response_headers", &ShardSettings::access_log_response_headers),
                 field("header_bytes_max", &ShardSettings::header_bytes_max),
                 field("header_count_max", &ShardSettings::header_count_max),
                 field("target_bytes_max", &ShardSettings::target_bytes_max),
                 field("body_bytes_max", &ShardSettings::body_bytes_max),
                 field("connections_max_per_source", &ShardSettings::connections_max_per_source),
                 field("http2", &ShardSettings::http2),
                 field("header_timeout", &ShardSettings::header_timeout),
                 field("idle_timeout", &ShardSettings::idle_timeout),
                 field("body_timeout", &ShardSettings::body_timeout),
                 field("body_rate_min", &ShardSettings::body_rate_min),
                 field("connect_timeout", &ShardSettings::connect_timeout),
                 field("response_timeout", &ShardSettings::response_timeout),
                 field("handshake_timeout", &ShardSettings::handshake_timeout),
                 field("ticket_secret", &ShardSettings::ticket_secret),
                 field("hop_peers", &ShardSettings::hop_peers),
                 field("tracing", &ShardSettings::tracing)};
  friend bool operator==(const ShardSettings&, const ShardSettings&) = default;
};

// What is public of a certificate. Its private key is the secret (secret.hpp) of that digest.
struct Certificate {
  std::string uid;
  std::string name;   // "namespace/name", or "name" where it is global
  std::string chain;  // PEM, the leaf first
  std::string key_digest;

  static constexpr auto kFields =
      std::tuple{field("uid", &Certificate::uid), field("name", &Certificate::name),
                 field("chain", &Certificate::chain), field("key_digest", &Certificate::key_digest)};
  friend bool operator==(const Certificate&, const Certificate&) = default;
};

// Certificates of authorities that somebody is believed by.
struct TrustBundle {
  std::string uid;
  std::string name;          // "namespace/name", or "name" where it is global
  std::string certificates;  // PEM

  static constexpr auto kFields =
      std::tuple{field("uid", &TrustBundle::uid), field("name", &TrustBundle::name),
                 field("certificates", &TrustBundle::certificates)};
  friend bool operator==(const TrustBundle&, const TrustBundle&) = default;
};

struct ListenerTls {
  std::vector<std::string> certificates;  // Certificate::uid; the first serves whoever names no known host
  TlsVersion min_version = TlsVersion::kTls12;
  ClientAuth client_auth = ClientAuth::kNone;
  std::string client_ca;             // TrustBundle::uid; empty where client_auth is kNone
  bool forward_certificate = false;  // backends get the client's as Client-Cert (RFC 9440)

  static constexpr auto kFields = std::tuple{
      field("certificates", &ListenerTls::certificates), field("min_version", &ListenerTls::min_version),
      field("client_auth", &ListenerTls::client_auth), field("client_ca", &ListenerTls::client_ca),
      field("forward_certificate", &ListenerTls::forward_certificate)};
  friend bool operator==(const ListenerTls&, const ListenerTls&) = default;
};

struct Listener {
  std::string uid;
  std::string name;
  IpAddress address;
  uint16_t port = 0;
  Protocol protocol = Protocol::kHttp;
  std::string hostname;                                // exact, "*.example.com", or empty for any
  std::vector<Prefix> trusted_proxies;                 // whom X-Forwarded-For and PROXY headers are believed
  EscapedSlash escaped_slash = EscapedSlash::kRefuse;  // %2F in a path; kept, it is data and no separator
  std::optional<ListenerTls> tls;                      // where the protocol is kHttps
  // The shard that it ends on, in the copy that another shard has: reached over the hop from there, found by
  // its uid, without a socket. Empty where it ends here.
  std::string hop_from = {};
  bool forwarded_header = false;  // backends get Forwarded (RFC 7239) as well
  // Each connection of a trusted proxy begins with a header of the PROXY protocol, and nobody else's does.
  // The same for all listeners of one address and port.
  bool proxy_protocol = false;
  std::vector<std::string> policies = {};  // Policy::uid, outermost first: the shard's, then its own

  static constexpr auto kFields = std::tuple{field("uid", &Listener::uid),
                                             field("name", &Listener::name),
                                             field("address", &Listener::address),
                                             field("port", &Listener::port),
                                             field("protocol", &Listener::protocol),
                                             field("hostname", &Listener::hostname),
                                             field("trusted_proxies", &Listener::trusted_proxies),
                                             field("escaped_slash", &Listener::escaped_slash),
                                             field("tls", &Listener::tls),
                                             field("hop_from", &Listener::hop_from),
                                             field("forwarded_header", &Listener::forwarded_header),
                                             field("proxy_protocol", &Listener::proxy_protocol),
                                             field("policies", &Listener::policies)};
  friend bool operator==(const Listener&, const Listener&) = default;
};

struct Forward {
  std::string pool;  // Pool::uid; empty where the reference is unresolved: 500 for this share of the weight
  uint32_t weight = 1;
  Boxed<Filters> filters = {};  // of this share alone, after the rule's

  static constexpr auto kFields = std::tuple{field("pool", &Forward::pool), field("weight", &Forward::weight),
                                             field("filters", &Forward::filters)};
  friend bool operator==(const Forward&, const Forward&) = default;
};

struct RouteRule {
  std::string name;
  std::vector<RouteMatch> matches;  // any suffices; never empty after compile(): no match means prefix "/"
  std::vector<Forward> forward;     // may be empty where a filter answers every request
  std::optional<Millis> request_timeout;          // the whole exchange with its retries
  std::optional<Millis> backend_request_timeout;  // one try
  Boxed<Filters> filters = {};
  std::optional<Millis> idle_timeout = {};  // no byte of a response, or of a tunnel, for so long
  Boxed<Retry> retry = {};
  Boxed<CookieAffinity> affinity = {};
  // Where it passes on over the hop: what policies and filters there say, which stands over defaults here.
  std::vector<PolicyBlock> blocks_beyond_hop = {};
  uint32_t tries_beyond_hop = 1;  // that the second tier may make until it answers

  static constexpr auto kFields =
      std::tuple{field("name", &RouteRule::name),
                 field("matches", &RouteRule::matches),
                 field("forward", &RouteRule::forward),
                 field("request_timeout", &RouteRule::request_timeout),
                 field("backend_request_timeout", &RouteRule::backend_request_timeout),
                 field("filters", &RouteRule::filters),
                 field("idle_timeout", &RouteRule::idle_timeout),
                 field("retry", &RouteRule::retry),
                 field("affinity", &RouteRule::affinity),
                 field("blocks_beyond_hop", &RouteRule::blocks_beyond_hop),
                 field("tries_beyond_hop", &RouteRule::tries_beyond_hop)};
  friend bool operator==(const RouteRule&, const RouteRule&) = default;
};

struct Route {
  std::string uid;
  std::string namespace_name;
  std::string name;
  int64_t created_at_ms = 0;           // Unix time: the older route wins a tie
  std::vector<std::string> listeners;  // Listener::uid
  std::vector<std::string> hostnames;  // empty: any
  std::vector<RouteRule> rules;
  std::vector<std::string> policies = {};  // Policy::uid, outermost first: the namespace's, then its own

  static constexpr auto kFields = std::tuple{field("uid", &Route::uid),
                                             field("namespace", &Route::namespace_name),
                                             field("name", &Route::name),
                                             field("created_at_ms", &Route::created_at_ms),
                                             field("listeners", &Route::listeners),
                                             field("hostnames", &Route::hostnames),
                                             field("rules", &Route::rules),
                                             field("policies", &Route::policies)};
  friend bool operator==(const Route&, const Route&) = default;
};

// On the wire a kind is its name (enum_names.hpp), so the order here is free; Kind counts the alternatives.
using Object = std::variant<NodeSettings, ReplicaGroup, L4Listener, ShardSettings, Listener, Route, Pool,
                            Certificate, TrustBundle, Policy>;
enum class Kind : uint8_t {
  kNodeSettings,
  kReplicaGroup,
  kL4Listener,
  kShardSettings,
  kListener,
  kRoute,
  kPool,
  kCertificate,
  kTrustBundle,
  kPolicy
};

inline Kind kind_of(const Object& object) { return static_cast<Kind>(object.index()); }

}  // namespace headgate::contract
