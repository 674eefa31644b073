// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <span>

#include "mgmt/compile/fields.hpp"
#include "mgmt/compile/parse.hpp"
#include "mgmt/compile/parse_rule.hpp"

namespace headgate::compile {
namespace {

struct TargetList {
  const char* name;
  db::Kind kind;
};
constexpr TargetList kGlobalTargets[] = {
    {"listeners", db::Kind::kListener}, {"shards", db::Kind::kShard}, {"namespaces", db::Kind::kNamespace}};
constexpr TargetList kTargetsInNamespace[] = {{"routes", db::Kind::kRoute}};

void read_targets(Fields& targets, std::span<const TargetList> lists, const std::string& namespace_name,
                  std::vector<PolicyTarget>& into) {
  for (const auto& [list, kind] : lists)
    targets.each_string(list, [&, kind = kind](const std::string& name, const std::string& pointer) {
      if (!is_valid_name(name))
        return targets.faults().add(pointer, "invalid_name",
                                    "must be the name of a " + std::string(db::name_of(kind)));
      PolicyTarget target{pointer, {kind, kind == db::Kind::kRoute ? namespace_name : "", name}};
      const auto same = [&](const PolicyTarget& other) { return other.object == target.object; };
      if (std::any_of(into.begin(), into.end(), same))
        return targets.faults().add(pointer, "duplicate", name + " is named twice");
      into.push_back(std::move(target));
    });
}

// So that no request passes under a policy twice.
bool is_of_one_kind(const std::vector<PolicyTarget>& targets) {
  return std::all_of(targets.begin(), targets.end(), [&](const PolicyTarget& target) {
    return target.object.kind == targets[0].object.kind;
  });
}

bool has_no_block(const contract::Filters& filters) { return filters == contract::Filters{}; }

}  // namespace

Policy parse_policy(Fields& fields, const std::string& namespace_name) {
  Policy policy;
  const bool is_global = namespace_name.empty();
  const std::span<const TargetList> lists = is_global ? std::span<const TargetList>(kGlobalTargets)
                                                      : std::span<const TargetList>(kTargetsInNamespace);
  if (is_global) fields.require("targets");
  fields.object("targets",
                [&](Fields& targets) { read_targets(targets, lists, namespace_name, policy.targets); });
  if (policy.targets.empty() && !is_global)
    policy.targets.push_back({"", {db::Kind::kNamespace, "", namespace_name}});
  else if (policy.targets.empty() && fields.has("targets"))
    fields.fault("targets", "missing_field", "must name a listener, a shard or a namespace");
  if (!is_of_one_kind(policy.targets))
    fields.fault("targets", "invalid_value", "must be of one kind: listeners, shards or namespaces");
  fields.read_enum("mode", policy.mode);
  auto& filters = policy.filters.emplace();
  read_blocks(fields, filters);
  if (has_no_block(filters))
    fields.faults().add(
        "", "missing_field",
        "one of ip_access, rate_limit, cors, request_headers, response_headers, compression is needed");
  fields.read("labels", policy.labels);
  return policy;
}

}  // namespace headgate::compile
