// SPDX-License-Identifier: Apache-2.0
#include "mgmt/front/front_snapshot.hpp"

#include <memory>

#include "dataplane/core/limits.hpp"

namespace headgate::front {
namespace {

using contract::Millis;

constexpr const char* kName = "front";
constexpr Millis kSlack{30'000};  // on top of what headgated itself keeps to
// A stream of events may have nothing to tell for long, and ends when its client does.
constexpr Millis kEventsIdleTimeout = std::chrono::hours(24);

contract::RouteRule rule(std::string name, std::string prefix, Millis idle_timeout) {
  contract::RouteRule rule;
  rule.name = std::move(name);
  rule.matches.push_back(
      {.path = {contract::PathMatchType::kPrefix, std::move(prefix)}, .method = {}, .headers = {}});
  rule.forward.push_back({.pool = kName, .weight = 1});
  rule.idle_timeout = idle_timeout;
  return rule;
}

}  // namespace

contract::Delta front_snapshot(const FrontShape& shape, contract::Revision revision) {
  const Millis answers_within = std::chrono::duration_cast<Millis>(limits::kApiWaitMax) + kSlack;
  contract::ShardSettings settings;
  settings.name = kName;
  settings.access_log = contract::AccessLog::kStderr;
  settings.body_bytes_max = limits::kApiBodyBytesMax;
  settings.header_bytes_max = limits::kApiHeadBytesMax;
  settings.target_bytes_max = limits::kApiTargetBytesMax;
  settings.idle_timeout = std::chrono::duration_cast<Millis>(limits::kApiIdleTimeout);
  settings.response_timeout = answers_within;

  contract::Certificate certificate{kName, kName, shape.certificate, shape.key_digest};

  contract::Listener listener;
  listener.uid = listener.name = kName;
  listener.address = shape.listen.address;
  listener.port = shape.listen.port;
  listener.protocol = contract::Protocol::kHttps;
  listener.tls.emplace();
  listener.tls->certificates = {kName};

  contract::Pool pool;
  pool.uid = pool.name = kName;
  pool.backends.push_back({.host = shape.backend.address.to_string(), .port = shape.backend.port});

  contract::Route route;
  route.uid = route.name = kName;
  route.listeners = {kName};
  route.rules = {rule("events", "/v1/events", kEventsIdleTimeout), rule("api", "/", answers_within)};

  contract::Snapshot snapshot;
  snapshot.revision = revision;
  const auto add = [&](contract::Object object) {
    const auto kind = contract::kind_of(object);
    snapshot.objects.insert({{contract::audience_of_shard(kName), kind, kName},
                             std::make_shared<const contract::Object>(std::move(object))});
  };
  add(std::move(settings));
  add(std::move(certificate));
  add(std::move(listener));
  add(std::move(pool));
  add(std::move(route));
  return contract::full(snapshot);
}

}  // namespace headgate::front
