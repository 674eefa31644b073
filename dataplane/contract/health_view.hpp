// SPDX-License-Identifier: Apache-2.0
// HealthView: what headgate-node knows of the things that serve: the addresses behind each backend and
// whether each is usable, and whether each local replica is. Apart from snapshots: it changes without any
// revision and is never stored. A backend that is not in the view is usable until it is proved down, under
// its literal address. Thread: the control thread of whichever process.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "dataplane/contract/fields.hpp"
#include "dataplane/core/ip_address.hpp"
#include "dataplane/core/result.hpp"

namespace headgate::contract {

// One backend of one pool, or one target of l4 (group "l4", member L4Target::name).
struct HealthKey {
  std::string group;   // Pool::uid, or "l4"
  std::string member;  // "host:port" as the pool says it

  static constexpr auto kFields =
      std::tuple{field("group", &HealthKey::group), field("member", &HealthKey::member)};
  friend auto operator<=>(const HealthKey&, const HealthKey&) = default;
};
inline constexpr const char* kHealthGroupL4 = "l4";
std::string health_member(const std::string& host, uint16_t port);

struct EndpointHealth {
  Endpoint endpoint;
  bool usable = true;
  std::string reason;  // of the last change: "connection refused", "status 503", …

  static constexpr auto kFields =
      std::tuple{field("endpoint", &EndpointHealth::endpoint), field("usable", &EndpointHealth::usable),
                 field("reason", &EndpointHealth::reason)};
  friend bool operator==(const EndpointHealth&, const EndpointHealth&) = default;
};

struct MemberHealth {
  HealthKey key;
  std::vector<EndpointHealth> endpoints;  // one for a literal address; as many as DNS gave; none: unresolved

  static constexpr auto kFields =
      std::tuple{field("key", &MemberHealth::key), field("endpoints", &MemberHealth::endpoints)};
  friend bool operator==(const MemberHealth&, const MemberHealth&) = default;
};

using HealthView = std::map<HealthKey, MemberHealth>;

struct HealthDelta {
  bool full = false;  // what was known before is forgotten
  std::vector<MemberHealth> upserts;
  std::vector<HealthKey> removals;

  static constexpr auto kFields =
      std::tuple{field("full", &HealthDelta::full), field("upserts", &HealthDelta::upserts),
                 field("removals", &HealthDelta::removals)};
  friend bool operator==(const HealthDelta&, const HealthDelta&) = default;
};

HealthDelta diff(const HealthView& base, const HealthView& next);
// Not plain apply(): argument-dependent lookup would find std::apply, because HealthView is a std::map.
void apply_health(HealthView& view, const HealthDelta& delta);

}  // namespace headgate::contract
