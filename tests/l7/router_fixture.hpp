// SPDX-License-Identifier: Apache-2.0
// RouterFixture: a Router that tests change object by object, always by deltas, and ask "who wins?".
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "dataplane/l7/router.hpp"

namespace headgate::l7 {

inline const Endpoint kReached{*IpAddress::parse("192.0.2.100"), 80};

inline contract::RouteMatch path_match(contract::PathMatchType type, std::string value) {
  return {.path = {type, std::move(value)}, .method = {}, .headers = {}, .query = {}};
}
inline contract::RouteMatch exact(std::string path) {
  return path_match(contract::PathMatchType::kExact, std::move(path));
}
inline contract::RouteMatch prefix(std::string path) {
  return path_match(contract::PathMatchType::kPrefix, std::move(path));
}
inline contract::RouteMatch regex(std::string expression) {
  return path_match(contract::PathMatchType::kRegex, std::move(expression));
}
inline contract::RouteMatch method(std::string name) {
  return {.path = {}, .method = std::move(name), .headers = {}, .query = {}};
}
inline contract::RouteMatch headers(std::vector<contract::HeaderMatch> conditions) {
  return {.path = {}, .method = {}, .headers = std::move(conditions), .query = {}};
}
inline contract::RouteMatch query(std::vector<contract::QueryMatch> conditions) {
  return {.path = {}, .method = {}, .headers = {}, .query = std::move(conditions)};
}

struct RouteSpec {
  std::string name;
  std::string namespace_name = "default";
  int64_t created_at_ms = 0;
  std::vector<std::string> listeners = {"web"};
  std::vector<std::string> hostnames = {};
  std::vector<std::vector<contract::RouteMatch>> rules = {};  // the matches of each
};

inline contract::Route make_route(const RouteSpec& spec) {
  contract::Route route;
  route.uid = spec.namespace_name + "." + spec.name;
  route.namespace_name = spec.namespace_name;
  route.name = spec.name;
  route.created_at_ms = spec.created_at_ms;
  route.listeners = spec.listeners;
  route.hostnames = spec.hostnames;
  for (const auto& matches : spec.rules) {
    contract::RouteRule rule;
    rule.name = std::to_string(route.rules.size());
    rule.matches = matches;
    route.rules.push_back(std::move(rule));
  }
  return route;
}

inline contract::Listener make_listener(std::string name, std::string hostname, const Endpoint& at) {
  contract::Listener listener;
  listener.uid = name;
  listener.name = std::move(name);
  listener.address = at.address;
  listener.port = at.port;
  listener.hostname = std::move(hostname);
  return listener;
}

template <typename T>
contract::Upsert upsert_of(T object) {
  const contract::ObjectKey key{"shard/edge", contract::kind_of(object), object.uid};
  return {key, std::make_shared<const contract::Object>(std::move(object))};
}

class RouterFixture {
 public:
  RouterFixture& listener(std::string name, std::string hostname, const Endpoint& at = kReached) {
    return change({upsert_of(make_listener(std::move(name), std::move(hostname), at))}, {});
  }
  RouterFixture& remove_listener(std::string name) {
    return change({}, {{"shard/edge", contract::Kind::kListener, std::move(name)}});
  }
  RouterFixture& route(const RouteSpec& spec) { return change({upsert_of(make_route(spec))}, {}); }
  RouterFixture& change(std::vector<contract::Upsert> upserts, std::vector<contract::ObjectKey> removals) {
    router = router.with(
        {.base = 1, .revision = 2, .upserts = std::move(upserts), .removals = std::move(removals)}, maker);
    return *this;
  }

  // "route/rule", or the outcome's name. The path may have a query.
  std::string winner(std::string_view host, std::string_view path, std::string_view method_name = "GET",
                     const std::vector<std::pair<std::string, std::string>>& fields = {}) const {
    RequestHead request;
    request.method_text = method_name;
    request.host = host;
    request.path = path.substr(0, path.find('?'));
    if (request.path.size() < path.size()) request.query = path.substr(request.path.size() + 1);
    for (const auto& [name, value] : fields) request.headers.add({name, value, header_id(name)});
    return winner(request);
  }
  std::string winner(const RequestHead& request) const {
    const auto* found = router.listener(kReached, request.host);
    if (!found) return std::string(name_of(Outcome::kNoListener));
    const auto match = Router::match(*found, request);
    if (match.outcome != Outcome::kFound) return std::string(name_of(match.outcome));
    return std::string(match.plan->name.route()) + "/" + std::string(match.plan->name.rule());
  }

  Keeper<RoutePlan> plans{1};
  Keeper<PoolIdentity> pools{1};
  Expressions expressions;
  Interned<RoutePlace> places;
  Keeper<policy::PolicyList> lists{1};
  PlanMaker maker{plans,
                  lists,
                  [this](std::string_view uid) {
                    return pools.keep({std::string(uid), 0});
                  },
                  [](const std::string& uid) { return policy::stand_unknown(uid); },
                  expressions,
                  places};
  Router router;
};

}  // namespace headgate::l7
