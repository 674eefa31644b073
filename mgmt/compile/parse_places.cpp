// SPDX-License-Identifier: Apache-2.0
// Nodes, shards and namespaces: where things run, and who owns them.
#include "dataplane/core/limits.hpp"
#include "mgmt/compile/fields.hpp"
#include "mgmt/compile/hostname.hpp"
#include "mgmt/compile/http_url.hpp"
#include "mgmt/compile/parse.hpp"
#include "mgmt/compile/parse_access_log.hpp"

namespace headgate::compile {
namespace {

constexpr uint64_t kKi = 1u << 10;
constexpr uint64_t kMi = 1u << 20;
constexpr uint64_t kTi = uint64_t{1} << 40;
constexpr Bounds kPhaseTimeoutMs{1, kHourMs};
constexpr uint32_t kConnectionsMaxPerSource = 5000;  // half of what a replica holds where nothing is said

void read_names(Fields& fields, std::string_view member, bool star_is_all, std::vector<std::string>& into) {
  fields.each_string(member, [&](const std::string& name, const std::string& pointer) {
    if (!is_valid_name(name) && !(star_is_all && name == "*"))
      fields.faults().add(pointer, "invalid_name",
                          "must be a name" + std::string(star_is_all ? " or *" : ""));
    else
      into.push_back(name);
  });
}

void read_limits(Fields& fields, contract::ShardSettings& settings) {
  fields.object("limits", [&](Fields& member) {
    member.read_size("header_bytes_max", {kKi, kMi}, settings.header_bytes_max);
    member.read_integer("header_count_max", {1, 1'000}, settings.header_count_max);
    member.read_size("target_bytes_max", {256, 64 * kKi}, settings.target_bytes_max);
    member.read_size("body_bytes_max", {0, kTi}, settings.body_bytes_max);
    member.read_integer("body_rate_min", {0, kMi}, settings.body_rate_min);
    member.object("http2", [&](Fields& http2) {
      constexpr Bounds kPerSecond{1, limits::kHttp2EventsPerSecondMax};
      http2.read_integer("streams_max", {1, limits::kHttp2StreamsMaxMax}, settings.http2.streams_max);
      http2.read_integer("resets_per_second", kPerSecond, settings.http2.resets_per_second);
      http2.read_integer("control_frames_per_second", kPerSecond, settings.http2.control_frames_per_second);
    });
  });
  if (settings.target_bytes_max > settings.header_bytes_max)
    fields.fault("limits", "invalid_value", "target_bytes_max is part of header_bytes_max and can't be more");
}

void read_timeouts(Fields& fields, contract::ShardSettings& settings) {
  fields.object("timeouts", [&](Fields& timeouts) {
    timeouts.read_duration("handshake", kPhaseTimeoutMs, settings.handshake_timeout);
    timeouts.read_duration("header", kPhaseTimeoutMs, settings.header_timeout);
    timeouts.read_duration("idle", kPhaseTimeoutMs, settings.idle_timeout);
    timeouts.read_duration("body", kPhaseTimeoutMs, settings.body_timeout);
    timeouts.read_duration("connect", kPhaseTimeoutMs, settings.connect_timeout);
    timeouts.read_duration("response", kPhaseTimeoutMs, settings.response_timeout);
  });
}

void read_tracing(Fields& fields, contract::ShardSettings& settings) {
  fields.object("tracing", [&](Fields& member) {
    contract::Tracing tracing;
    member.require("endpoint");
    member.read("endpoint", tracing.endpoint);
    member.read_integer("sample_percent", {0, 100}, tracing.sample_percent);
    member.read("service_name", tracing.service_name);
    if (member.has("endpoint") &&
        (tracing.endpoint.size() > limits::kTracingEndpointBytesMax || !is_http_url(tracing.endpoint)))
      member.fault("endpoint", "invalid_value", "must be a URL like http://collector:4318/v1/traces");
    if (tracing.service_name.size() > limits::kServiceNameBytesMax)
      member.fault("service_name", "out_of_range", "must be shorter");
    settings.tracing = contract::Boxed(std::move(tracing));
  });
}

}  // namespace

Node parse_node(Fields& fields) {
  Node node;
  if (fields.has("roles")) node.ingress = node.worker = false;
  fields.each_string("roles", [&](const std::string& role, const std::string& pointer) {
    if (role == "ingress")
      node.ingress = true;
    else if (role == "worker")
      node.worker = true;
    else
      fields.faults().add(pointer, "invalid_value", "must be ingress or worker");
  });
  fields.read("labels", node.labels);
  fields.read("drain", node.drain);
  return node;
}

Shard parse_shard(Fields& fields) {
  Shard shard;
  shard.settings.connections_max_per_source = kConnectionsMaxPerSource;
  fields.object("nodes", [&](Fields& nodes) {
    if (nodes.has("names") && nodes.has("labels"))
      nodes.fault("labels", "invalid_value", "nodes are chosen by names or by labels, not by both");
    if (nodes.has("names")) shard.node_names.emplace();
    std::vector<std::string> names;
    read_names(nodes, "names", false, names);
    if (shard.node_names) shard.node_names = std::move(names);
    nodes.read("labels", shard.node_labels);
  });
  fields.read_integer("replicas_per_node", {1, limits::kReplicasPerNodeMax}, shard.replicas_per_node);
  fields.read_integer("threads_per_replica", {1, limits::kThreadsPerReplicaMax}, shard.threads_per_replica);
  fields.read_size("memory_max_per_replica", {0, kTi}, shard.memory_max_bytes_per_replica);
  fields.read_integer("connections_max_per_replica", {0, 10'000'000}, shard.connections_max_per_replica);
  fields.read_integer("connections_max_per_source", {0, 10'000'000},
                      shard.settings.connections_max_per_source);
  read_limits(fields, shard.settings);
  read_timeouts(fields, shard.settings);
  read_access_log(fields, shard.settings);
  read_tracing(fields, shard.settings);
  fields.read("labels", shard.labels);
  // Below this the process does not start, and its shard would be a crash loop.
  if (shard.memory_max_bytes_per_replica != 0 && shard.memory_max_bytes_per_replica < 32 * kMi)
    fields.fault("memory_max_per_replica", "out_of_range", "must be \"0\" (no limit) or at least 32Mi");
  return shard;
}

Namespace parse_namespace(Fields& fields) {
  Namespace space;
  std::string shard;
  fields.read("shard", shard);
  if (fields.has("shard")) {
    if (is_valid_name(shard))
      space.shard = shard;
    else
      fields.fault("shard", "invalid_name", "must be a shard's name");
  }
  if (fields.has("hostnames")) space.hostnames.emplace();
  fields.each_string("hostnames", [&](const std::string& text, const std::string& pointer) {
    if (auto hostname = parse_hostname(text))
      space.hostnames->push_back(*std::move(hostname));
    else
      fields.faults().add(pointer, "invalid_value", "must be a hostname, or *. and one");
  });
  fields.each_object("grants", [&](Fields& grant) {
    // Pools are forwarded to by others' routes; certificates and secrets serve listeners, which are nobody's,
    // and others' pools where it names namespaces.
    const bool has_trust = grant.has("certificates") || grant.has("secrets");
    if (grant.has("pools") || !has_trust) grant.require("namespaces");
    if (grant.has("namespaces") && !has_trust) grant.require("pools");
    auto& into = space.grants.emplace_back();
    read_names(grant, "namespaces", true, into.namespaces);
    read_names(grant, "pools", true, into.pools);
    read_names(grant, "certificates", true, into.certificates);
    read_names(grant, "secrets", true, into.secrets);
  });
  fields.read("labels", space.labels);
  return space;
}

}  // namespace headgate::compile
