// SPDX-License-Identifier: Apache-2.0
#include "dataplane/contract/health_view.hpp"

namespace headgate::contract {

std::string health_member(const std::string& host, uint16_t port) {
  const bool is_v6 = host.find(':') != std::string::npos;
  return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

HealthDelta diff(const HealthView& base, const HealthView& next) {
  HealthDelta delta;
  for (const auto& [key, member] : next) {
    const auto known = base.find(key);
    if (known == base.end() || known->second != member) delta.upserts.push_back(member);
  }
  for (const auto& [key, member] : base)
    if (!next.contains(key)) delta.removals.push_back(key);
  return delta;
}

void apply_health(HealthView& view, const HealthDelta& delta) {
  if (delta.full) view.clear();
  for (const auto& key : delta.removals) view.erase(key);
  for (const auto& member : delta.upserts) view.insert_or_assign(member.key, member);
}

}  // namespace headgate::contract
