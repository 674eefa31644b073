// SPDX-License-Identifier: Apache-2.0
// The spelling of the contract's enums in JSON, REST and logs: one table an enum, in the enum's order. Pure.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "dataplane/contract/capture.hpp"
#include "dataplane/contract/node_api.hpp"
#include "dataplane/contract/objects.hpp"

namespace headgate::contract {

template <typename E>
struct EnumNames;

template <>
struct EnumNames<Protocol> {
  static constexpr std::array<std::string_view, 5> kNames{"tcp", "udp", "tls", "http", "https"};
};
template <>
struct EnumNames<Forwarding> {
  static constexpr std::array<std::string_view, 7> kNames{"local", "dsr", "vxlan",  "ipip",
                                                          "gue",   "nat", "fullnat"};
};
template <>
struct EnumNames<FlowBalance> {
  static constexpr std::array<std::string_view, 3> kNames{"flow", "source", "round_robin"};
};
template <>
struct EnumNames<CaptureRefusal> {
  static constexpr std::array<std::string_view, 3> kNames{"none", "filter_invalid", "under_way"};
};
template <>
struct EnumNames<CaptureEnd> {
  static constexpr std::array<std::string_view, 4> kNames{"count", "seconds", "bytes", "stopped"};
};
template <>
struct EnumNames<Algorithm> {
  static constexpr std::array<std::string_view, 4> kNames{"round_robin", "least_requests", "random",
                                                          "maglev"};
};
template <>
struct EnumNames<HashSource> {
  static constexpr std::array<std::string_view, 5> kNames{"source_address", "header", "cookie", "path",
                                                          "query"};
};
template <>
struct EnumNames<SameSite> {
  static constexpr std::array<std::string_view, 3> kNames{"none", "lax", "strict"};
};
template <>
struct EnumNames<LogField> {
  static constexpr std::array<std::string_view, 32> kNames{"time",
                                                           "request_id",
                                                           "trace_id",
                                                           "span_id",
                                                           "client",
                                                           "tls_client",
                                                           "tls_client_sha256",
                                                           "listener",
                                                           "protocol",
                                                           "server_name",
                                                           "alpn",
                                                           "method",
                                                           "host",
                                                           "path",
                                                           "query",
                                                           "status",
                                                           "request_body_bytes",
                                                           "received_bytes",
                                                           "sent_bytes",
                                                           "duration_us",
                                                           "until_response_us",
                                                           "namespace",
                                                           "route",
                                                           "rule",
                                                           "pool",
                                                           "backend",
                                                           "tries",
                                                           "retry_refused",
                                                           "ejected",
                                                           "queued_us",
                                                           "ending",
                                                           "detail"};
};
template <>
struct EnumNames<RetryOn> {
  static constexpr std::array<std::string_view, 4> kNames{"connect_failure", "reset", "refused_stream",
                                                          "timeout"};
};
template <>
struct EnumNames<WhenAllDown> {
  static constexpr std::array<std::string_view, 2> kNames{"refuse", "try_all"};
};
template <>
struct EnumNames<PoolProtocol> {
  static constexpr std::array<std::string_view, 3> kNames{"http1", "h2c", "h2"};
};
template <>
struct EnumNames<PathMatchType> {
  static constexpr std::array<std::string_view, 3> kNames{"exact", "prefix", "regex"};
};
template <>
struct EnumNames<ValueMatchType> {
  static constexpr std::array<std::string_view, 2> kNames{"exact", "regex"};
};
template <>
struct EnumNames<PathEditType> {
  static constexpr std::array<std::string_view, 2> kNames{"full", "prefix"};
};
template <>
struct EnumNames<RateKey> {
  static constexpr std::array<std::string_view, 3> kNames{"all", "client", "header"};
};
template <>
struct EnumNames<ContentCoding> {
  static constexpr std::array<std::string_view, 3> kNames{"zstd", "br", "gzip"};
};
template <>
struct EnumNames<PolicyMode> {
  static constexpr std::array<std::string_view, 2> kNames{"default", "mandatory"};
};
template <>
struct EnumNames<PolicyBlock> {
  static constexpr std::array<std::string_view, 6> kNames{
      "ip_access", "rate_limit", "cors", "request_headers", "response_headers", "compression"};
};
template <>
struct EnumNames<HealthCheckType> {
  static constexpr std::array<std::string_view, 5> kNames{"tcp", "http", "https", "udp", "icmp"};
};
template <>
struct EnumNames<EscapedSlash> {
  static constexpr std::array<std::string_view, 2> kNames{"refuse", "keep"};
};
template <>
struct EnumNames<AccessLog> {
  static constexpr std::array<std::string_view, 3> kNames{"off", "file", "stderr"};
};
template <>
struct EnumNames<TlsVersion> {
  static constexpr std::array<std::string_view, 2> kNames{"1.2", "1.3"};
};
template <>
struct EnumNames<ClientAuth> {
  static constexpr std::array<std::string_view, 3> kNames{"none", "optional", "require"};
};
template <>
struct EnumNames<PoolTlsMode> {
  static constexpr std::array<std::string_view, 2> kNames{"verify", "insecure"};
};
template <>
struct EnumNames<ProxyVersion> {
  static constexpr std::array<std::string_view, 2> kNames{"v1", "v2"};
};
template <>
struct EnumNames<ProcessState> {
  static constexpr std::array<std::string_view, 5> kNames{"starting", "running", "stopping", "backoff",
                                                          "crash_loop"};
};
template <>
struct EnumNames<RestartState> {
  static constexpr std::array<std::string_view, 3> kNames{"running", "done", "failed"};
};
template <>
struct EnumNames<Kind> {
  static constexpr std::array<std::string_view, 10> kNames{
      "node_settings", "replica_group", "l4_listener", "shard_settings", "listener",
      "route",         "pool",          "certificate", "trust_bundle",   "policy"};
};
static_assert(EnumNames<Kind>::kNames.size() == std::variant_size_v<Object>);

template <typename E>
constexpr std::string_view name_of(E value) {
  return EnumNames<E>::kNames[static_cast<std::size_t>(value)];
}

template <typename E>
constexpr std::optional<E> parse_enum(std::string_view name) {
  const auto& names = EnumNames<E>::kNames;
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<E>(found - names.begin());
}

}  // namespace headgate::contract
