// SPDX-License-Identifier: Apache-2.0
// RouterOracle: HTTP.md's precedence said as plainly as can be: look at every rule of every route, sort all
// that match, take the first. It shares no code with the Router but the contract's objects; its expressions
// are the standard library's.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <regex>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "dataplane/contract/objects.hpp"
#include "dataplane/l7/http_message.hpp"

namespace headgate::l7 {

struct RouterOracle {
  std::map<std::string, contract::Listener> listeners;
  std::map<std::string, contract::Route> routes;

  std::string winner(const Endpoint& reached, const RequestHead& request) const {
    const auto* listener = choose_listener(reached, std::string(request.host));
    if (!listener) return "no_listener";
    std::vector<Rank> matching;
    for (const auto& [uid, route] : routes)
      if (std::count(route.listeners.begin(), route.listeners.end(), listener->uid) != 0)
        rank_rules(route, request, matching);
    if (matching.empty()) return "no_rule";
    return std::get<10>(*std::min_element(matching.begin(), matching.end()));
  }

 private:
  // Smaller is better: host kind, host length, path kind, prefix length, method, headers, query, age, name,
  // rule.
  using Rank = std::tuple<int, int, int, int, int, int, int, int64_t, std::string, std::size_t, std::string>;

  // (kind, -length) of a pattern that covers the host; nullopt where it does not.
  static std::optional<std::pair<int, int>> host_rank(const std::string& pattern, const std::string& host) {
    if (pattern.empty()) return std::pair(2, 0);
    const int length = -static_cast<int>(pattern.size());
    if (pattern == host) return std::pair(0, length);
    if (pattern.substr(0, 2) != "*.") return std::nullopt;
    const auto suffix = pattern.substr(1);
    if (host.size() <= suffix.size() || host.substr(host.size() - suffix.size()) != suffix)
      return std::nullopt;
    return std::pair(1, length);
  }

  static const std::regex& expression(const std::string& text) {
    static std::map<std::string, std::regex> compiled;
    return compiled.try_emplace(text, text).first->second;
  }

  static std::vector<std::string> elements(const std::string& path) {
    std::vector<std::string> list;
    std::istringstream in(path.substr(1));
    for (std::string element; std::getline(in, element, '/');) list.push_back(element);
    return list;
  }

  static std::optional<std::pair<int, int>> path_rank(const contract::PathMatch& match,
                                                      const std::string& path) {
    if (match.type == contract::PathMatchType::kExact)
      return match.value == path ? std::optional(std::pair(0, 0)) : std::nullopt;
    if (match.type == contract::PathMatchType::kRegex)
      return std::regex_match(path, expression(match.value)) ? std::optional(std::pair(2, 0)) : std::nullopt;
    const auto wanted = elements(match.value);
    const auto given = elements(path);
    if (wanted.size() > given.size() || !std::equal(wanted.begin(), wanted.end(), given.begin()))
      return std::nullopt;
    return std::pair(1, -static_cast<int>(wanted.size()));
  }

  static bool value_holds(contract::ValueMatchType type, const std::string& wanted,
                          const std::string& given) {
    if (type == contract::ValueMatchType::kExact) return wanted == given;
    return std::regex_match(given, expression(wanted));
  }

  static bool headers_hold(const contract::RouteMatch& match, const RequestHead& request) {
    return std::all_of(match.headers.begin(), match.headers.end(), [&](const contract::HeaderMatch& wanted) {
      return std::any_of(request.headers.begin(), request.headers.end(), [&](const Header& field) {
        return field.name == wanted.name && value_holds(wanted.type, wanted.value, std::string(field.value));
      });
    });
  }

  // The first value of each key; the vocabulary has no escapes.
  static std::map<std::string, std::string> parameters(const RequestHead& request) {
    std::map<std::string, std::string> found;
    std::istringstream in{std::string(request.query.value_or(""))};
    for (std::string pair; std::getline(in, pair, '&');) {
      const auto key = pair.substr(0, pair.find('='));
      found.emplace(key, key.size() == pair.size() ? "" : pair.substr(key.size() + 1));
    }
    return found;
  }

  static bool query_holds(const contract::RouteMatch& match, const RequestHead& request) {
    const auto given = parameters(request);
    return std::all_of(match.query.begin(), match.query.end(), [&](const contract::QueryMatch& wanted) {
      const auto found = given.find(wanted.name);
      return found != given.end() && value_holds(wanted.type, wanted.value, found->second);
    });
  }

  const contract::Listener* choose_listener(const Endpoint& reached, const std::string& host) const {
    const contract::Listener* best = nullptr;
    for (const auto& [uid, listener] : listeners) {
      if (Endpoint{listener.address, listener.port} != reached) continue;
      const auto rank = host_rank(listener.hostname, host);
      if (rank && (!best ||
                   std::tie(*rank, listener.name) < std::tuple(*host_rank(best->hostname, host), best->name)))
        best = &listener;
    }
    return best;
  }

  static void rank_rules(const contract::Route& route, const RequestHead& request,
                         std::vector<Rank>& matching) {
    auto hostnames = route.hostnames;
    if (hostnames.empty()) hostnames.push_back("");
    for (const auto& hostname : hostnames) {
      const auto host = host_rank(hostname, std::string(request.host));
      if (!host) continue;
      for (std::size_t rule = 0; rule < route.rules.size(); ++rule) {
        for (const auto& match : route.rules[rule].matches) {
          const auto path = path_rank(match.path, std::string(request.path));
          if (!path || !headers_hold(match, request) || !query_holds(match, request)) continue;
          if (!match.method.empty() && match.method != request.method_text) continue;
          matching.emplace_back(host->first, host->second, path->first, path->second, match.method.empty(),
                                -static_cast<int>(match.headers.size()),
                                -static_cast<int>(match.query.size()), route.created_at_ms,
                                route.namespace_name + "/" + route.name, rule,
                                route.name + "/" + route.rules[rule].name);
        }
      }
    }
  }
};

}  // namespace headgate::l7
