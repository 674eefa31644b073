// SPDX-License-Identifier: Apache-2.0
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "dataplane/core/base64.hpp"
#include "dataplane/core/limits.hpp"
#include "mgmt/compile/fields.hpp"
#include "mgmt/compile/hostname.hpp"
#include "mgmt/compile/parse_upstream.hpp"
#include "mgmt/compile/path_rules.hpp"

namespace headgate::compile {
namespace {

using contract::HealthCheckType;

constexpr uint64_t kPriorityMax = 15;

// The canonical text of an address, or a DNS name in lower case; empty where it is neither.
std::string canonical_host(const std::string& text) {
  const auto address = IpAddress::parse(text);
  if (!address) return parse_dns_name(text).value_or("");
  return address->is_unspecified() || address->is_multicast() ? "" : address->to_string();
}

contract::Backend read_backend(Fields& fields) {
  contract::Backend backend;
  fields.require("address");
  fields.require("port");
  if (const auto* text = fields.string("address")) {
    backend.host = canonical_host(*text);
    if (backend.host.empty()) fields.fault("address", "invalid_value", "must be an IP address or a DNS name");
  }
  fields.read_integer("port", {1, 65535}, backend.port);
  fields.read_integer("weight", {0, kWeightMax}, backend.weight);
  fields.read("drain", backend.drain);
  fields.read_integer("priority", {0, kPriorityMax}, backend.priority);
  return backend;
}

void read_http_check(Fields& fields, contract::HealthCheck& health) {
  fields.read("path", health.path);
  if (const auto fault = fault_of_request_target(health.path); !fault.empty())
    fields.fault("path", "invalid_value", std::string(fault));
  if (const auto* host = fields.string("host"); host && !host->empty()) {
    health.host = canonical_host(*host);
    if (health.host.empty()) fields.fault("host", "invalid_value", "must be an IP address or a DNS name");
  }
  if (fields.has("expected")) health.expected.clear();
  fields.each_string("expected", [&](const std::string& text, const std::string& pointer) {
    if (const auto range = parse_status_range(text))
      health.expected.push_back(*range);
    else
      fields.faults().add(pointer, "invalid_value",
                          "must be a status or a range of them, such as \"200-299\"");
  });
  if (health.expected.empty()) fields.fault("expected", "out_of_range", "must name at least one status");
}

// As text, or where no text has these bytes in base64.
void read_datagram(Fields& fields, const std::string& name, contract::Bytes& into) {
  const auto in_base64 = name + "_base64";
  fields.read(name, into.value);
  const auto* text = fields.string(in_base64);
  if (text && fields.has(name))
    return fields.fault(in_base64, "invalid_value", name + " says it already: leave out one of them");
  if (text) {
    auto bytes = from_base64(*text);
    if (!bytes)
      return fields.fault(in_base64, "invalid_value",
                          "must be base64 with its padding, in one line (RFC 4648 section 4)");
    into.value = *std::move(bytes);
  }
  if (into.value.size() > limits::kProbeDatagramBytesMax)
    fields.fault(text ? in_base64 : name, "out_of_range",
                 "must be of up to " + std::to_string(limits::kProbeDatagramBytesMax) + " bytes");
}

// An answer is always asked for. Where silence counted as health a dead service would come up again: Linux
// tells of a closed port once a second at most (icmp_ratelimit), and a machine that is gone tells nothing.
void read_udp_check(Fields& fields, contract::HealthCheck& health) {
  if (!fields.has("request") && !fields.has("request_base64"))
    fields.fault("request", "missing_field",
                 "request or request_base64 is needed: what the service answers. One that answers nothing is "
                 "checked by icmp, or by tcp where it listens for that too");
  read_datagram(fields, "request", health.request);
  read_datagram(fields, "response", health.response);
}

void refuse_all(Fields& fields, std::initializer_list<std::string_view> names, const std::string& detail) {
  for (const auto name : names) fields.refuse(name, detail);
}

contract::HealthCheck read_health(Fields& fields) {
  contract::HealthCheck health;
  fields.read_enum("type", health.type);
  fields.read_duration("interval", {100, kHourMs}, health.interval);
  fields.read_duration("timeout", {1, kHourMs}, health.timeout);
  fields.read_integer("rise", {1, 100}, health.rise);
  fields.read_integer("fall", {1, 100}, health.fall);
  const bool is_udp = health.type == HealthCheckType::kUdp;
  if (is_udp || health.type == HealthCheckType::kIcmp)
    refuse_all(fields, {"path", "host", "expected"},
               "belongs to checks of type http and https: leave it out");
  else
    read_http_check(fields, health);
  if (is_udp)
    read_udp_check(fields, health);
  else
    refuse_all(fields, {"request", "request_base64", "response", "response_base64"},
               "belongs to checks of type udp: leave it out");
  return health;
}

}  // namespace

Pool parse_pool(Fields& fields, const std::string& namespace_name) {
  Pool pool;
  std::set<std::pair<std::string, uint16_t>> seen;
  fields.each_object("backends", [&](Fields& each) {
    auto backend = read_backend(each);
    if (!backend.host.empty() && backend.port != 0 && !seen.emplace(backend.host, backend.port).second)
      each.fault("address", "duplicate", "this address and port are in the pool already");
    pool.backends.push_back(std::move(backend));
  });
  read_balancing(fields, pool);
  fields.object("health", [&](Fields& health) { pool.health = read_health(health); });
  fields.read_enum("when_all_down", pool.when_all_down);
  fields.read_enum("protocol", pool.protocol);
  read_pool_tls(fields, namespace_name, pool);
  if (fields.has("proxy_protocol")) fields.read_enum("proxy_protocol", pool.proxy_protocol.emplace());
  read_pool_limits(fields, pool);
  fields.read("labels", pool.labels);
  return pool;
}

}  // namespace headgate::compile
