// SPDX-License-Identifier: Apache-2.0
// Which policies stand above what.
#include <algorithm>
#include <tuple>

#include "mgmt/compile/build.hpp"

namespace headgate::compile {
namespace {

// Those that name it, or stand in it and name nothing. Global ones stand further out than a namespace's own.
void add_policies_on(const Model& model, const db::ObjectKey& target, std::vector<const Entry*>& into) {
  std::vector<const Entry*> found;
  for (const auto* entry : model.referrers(target, db::Kind::kPolicy)) {
    const auto& targets = entry->as<Policy>().targets;
    if (std::any_of(targets.begin(), targets.end(),
                    [&](const PolicyTarget& t) { return t.object == target; }))
      found.push_back(entry);
  }
  const auto order = [](const Entry* entry) {
    return std::tuple(!entry->key.namespace_name.empty(), entry->meta.created_at_ms,
                      std::string_view(entry->key.name));
  };
  std::sort(found.begin(), found.end(), [&](const Entry* a, const Entry* b) { return order(a) < order(b); });
  into.insert(into.end(), found.begin(), found.end());
}

}  // namespace

std::vector<const Entry*> policies_of_listener(const Model& model, const Entry& listener,
                                               const std::string& shard) {
  std::vector<const Entry*> policies;
  add_policies_on(model, {db::Kind::kShard, "", shard}, policies);
  // Beyond the hop they have been passed.
  if (listener.as<Listener>().shard == shard) add_policies_on(model, listener.key, policies);
  return policies;
}

std::vector<const Entry*> policies_of_route(const Model& model, const Entry& route) {
  std::vector<const Entry*> policies;
  add_policies_on(model, {db::Kind::kNamespace, "", route.key.namespace_name}, policies);
  add_policies_on(model, route.key, policies);
  return policies;
}

}  // namespace headgate::compile
