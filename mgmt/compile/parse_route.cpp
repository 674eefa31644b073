// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "mgmt/compile/fields.hpp"
#include "mgmt/compile/hostname.hpp"
#include "mgmt/compile/parse.hpp"
#include "mgmt/compile/parse_rule.hpp"
#include "mgmt/compile/parse_upstream.hpp"

namespace headgate::compile {
namespace {

constexpr Bounds kTimeoutMs{1, 24 * kHourMs};

PoolRef read_forward(Fields& forward, const std::string& namespace_name,
                     const std::vector<contract::RouteMatch>& matches) {
  const auto pool = read_pool_reference(forward, namespace_name);
  PoolRef into{.namespace_name = pool.namespace_name, .name = pool.name, .weight = 1};
  forward.read_integer("weight", {0, kWeightMax}, into.weight);
  forward.object("filters", [&](Fields& filters) {
    into.filters.emplace() = read_filters(filters, namespace_name, matches);
  });
  return into;
}

// A rule forwards, or answers by itself, and never both.
void check_forward(Fields& rule, const Rule& into) {
  const bool answers = into.filters && answers_all(*into.filters);
  if (!answers) rule.require("forward");
  if (answers && rule.has("forward"))
    rule.fault("forward", "invalid_value", "nothing is forwarded: a filter answers every request");
  else if (rule.has("forward") && into.forward.empty())
    rule.fault("forward", "out_of_range", "must name at least one pool");
}

Rule read_rule(Fields& rule, const std::string& namespace_name) {
  Rule into;
  rule.read("name", into.name);
  if (!into.name.empty() && !is_valid_name(into.name))
    rule.fault("name", "invalid_name", "names are up to 63 of a-z, 0-9 and -, and begin and end without -");
  rule.each_object("matches", [&](Fields& match) { into.matches.push_back(read_match(match)); });
  if (into.matches.empty()) into.matches.emplace_back();
  rule.object("filters", [&](Fields& filters) {
    into.filters.emplace() = read_filters(filters, namespace_name, into.matches);
  });
  rule.each_object("forward", [&](Fields& forward) {
    into.forward.push_back(read_forward(forward, namespace_name, into.matches));
  });
  check_forward(rule, into);
  rule.object("timeouts", [&](Fields& timeouts) {
    timeouts.read_duration("request", kTimeoutMs, into.request_timeout);
    timeouts.read_duration("backend_request", kTimeoutMs, into.backend_request_timeout);
    timeouts.read_duration("idle", kTimeoutMs, into.idle_timeout);
    if (into.request_timeout && into.backend_request_timeout &&
        *into.backend_request_timeout > *into.request_timeout)
      timeouts.fault("backend_request", "out_of_range", "one try can't last longer than the request");
  });
  rule.object("retry", [&](Fields& retry) { into.retry = read_retry(retry); });
  rule.object("affinity", [&](Fields& affinity) { into.affinity = read_affinity(affinity); });
  return into;
}

}  // namespace

ObjectRef read_pool_reference(Fields& fields, const std::string& namespace_name) {
  ObjectRef into{namespace_name, ""};
  fields.require("pool");
  fields.read("pool", into.name);
  if (const auto slash = into.name.find('/'); slash != std::string::npos) {
    into.namespace_name = into.name.substr(0, slash);
    into.name.erase(0, slash + 1);
  }
  if (fields.has("pool") && (!is_valid_name(into.name) || !is_valid_name(into.namespace_name)))
    fields.fault("pool", "invalid_name", "must be a pool's name, or namespace/name");
  return into;
}

Route parse_route(Fields& fields, const std::string& namespace_name) {
  Route route;
  fields.require("listeners");
  fields.each_string("listeners", [&](const std::string& name, const std::string& pointer) {
    if (!is_valid_name(name))
      return fields.faults().add(pointer, "invalid_name", "must be a listener's name");
    if (std::find(route.listeners.begin(), route.listeners.end(), name) != route.listeners.end())
      return fields.faults().add(pointer, "duplicate", name + " is named twice");
    route.listeners.push_back(name);
  });
  fields.each_string("hostnames", [&](const std::string& text, const std::string& pointer) {
    auto hostname = parse_hostname(text);
    if (!hostname)
      return fields.faults().add(pointer, "invalid_value",
                                 "must be a hostname, or *. and one; no port, no address");
    if (std::find(route.hostnames.begin(), route.hostnames.end(), *hostname) != route.hostnames.end())
      return fields.faults().add(pointer, "duplicate", *hostname + " is named twice");
    route.hostnames.push_back(*std::move(hostname));
  });
  fields.require("rules");
  fields.each_object("rules", [&](Fields& rule) {
    auto parsed = read_rule(rule, namespace_name);
    const auto has_its_name = [&](const Rule& other) {
      return !parsed.name.empty() && other.name == parsed.name;
    };
    if (std::any_of(route.rules.begin(), route.rules.end(), has_its_name))
      rule.fault("name", "duplicate", "another rule of this route is called " + parsed.name);
    route.rules.push_back(std::move(parsed));
  });
  fields.read("labels", route.labels);
  return route;
}

}  // namespace headgate::compile
