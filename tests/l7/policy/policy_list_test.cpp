// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/policy/policy_list.hpp"

#include <gtest/gtest.h>

#include "dataplane/l7/policy/ip_access.hpp"
#include "tests/l7/policy/standing_policies.hpp"

namespace headgate::l7::policy {
namespace {

using contract::PolicyMode;
using enum contract::PolicyBlock;

struct Above {
  PolicyMode mode;
  Blocks has;
};

// What counts of each, outermost first.
std::vector<Blocks> counting(const std::vector<Above>& above, Blocks inside = {}) {
  std::vector<StandingPolicyPtr> standing;
  for (const auto& [mode, has] : above) standing.push_back(standing_policy("p", mode, filters_with(has)));
  std::vector<Blocks> blocks;
  for (const auto& applied : make_policy_list(std::move(standing), inside).policies)
    blocks.push_back(applied.blocks);
  return blocks;
}

using enum PolicyMode;

TEST(PolicyList, ADefaultGivesWayToTheSameBlockFurtherIn) {
  EXPECT_EQ(counting({{kDefault, {kRateLimit, kIpAccess}}, {kDefault, {kRateLimit}}}),
            (std::vector<Blocks>{{kIpAccess}, {kRateLimit}}));
  EXPECT_EQ(counting({{kDefault, {kRateLimit, kCors}}}, {kCors}), (std::vector<Blocks>{{kRateLimit}}));
  EXPECT_EQ(counting({{kDefault, {kRateLimit}}, {kMandatory, {kRateLimit}}}),
            (std::vector<Blocks>{{}, {kRateLimit}}));
}

TEST(PolicyList, WhatIsMandatoryCountsWhateverIsFurtherIn) {
  const Blocks all{kIpAccess, kRateLimit, kRequestHeaders, kResponseHeaders};
  EXPECT_EQ(counting({{kMandatory, all}, {kMandatory, all}, {kDefault, all}}),
            (std::vector<Blocks>{all, all, all}));
  EXPECT_EQ(counting({{kMandatory, all}}, all), (std::vector<Blocks>{all}));
}

TEST(PolicyList, OfCorsTheOutermostMandatoryCountsAlone) {
  EXPECT_EQ(
      counting({{kDefault, {kCors}}, {kMandatory, {kCors}}, {kMandatory, {kCors}}, {kDefault, {kCors}}}),
      (std::vector<Blocks>{{}, {kCors}, {}, {}}));
  const auto list = make_policy_list({standing_policy("p", kMandatory, filters_with({kCors}))}, {});
  EXPECT_FALSE(list.inside().has(kCors));
  EXPECT_TRUE(list.inside().has(kRateLimit));
}

// A rule's list says to the listener's what stands further in, also what is beyond the hop.
TEST(PolicyList, TellsAnOuterListWhatIsFurtherIn) {
  const auto inner = make_policy_list({standing_policy("p", kDefault, filters_with({kCors}))}, {kRateLimit});
  const auto outer =
      make_policy_list({standing_policy("d", kDefault, filters_with({kCors, kRateLimit, kIpAccess})),
                        standing_policy("m", kMandatory, filters_with({kRateLimit}))},
                       {});
  EXPECT_EQ(inner.counting(outer.policies[0]), (Blocks{kIpAccess}));
  EXPECT_EQ(inner.counting(outer.policies[1]), (Blocks{kRateLimit}));
}

TEST(PolicyList, KeepsALimitersCountsAsLongAsTheFiltersStay) {
  const auto before = standing_policy("p", kDefault, filters_with({kRateLimit}));
  contract::Policy policy{.uid = "u", .name = "p", .mode = kMandatory, .filters = before->policy.filters()};
  EXPECT_EQ(stand(policy, before.get())->policy, before->policy);
  EXPECT_TRUE(stand(policy, before.get())->mandatory);
  policy.filters.emplace() = filters_with({kIpAccess});
  EXPECT_NE(stand(policy, before.get())->policy, before->policy);
}

TEST(PolicyList, NobodyPassesAPolicyThatIsNotKnown) {
  const auto unknown = stand_unknown("lost");
  EXPECT_TRUE(unknown->mandatory);
  for (const auto* address : {"192.0.2.1", "2001:db8::1"})
    EXPECT_FALSE(may_enter(*unknown->policy.filters()->ip_access, *IpAddress::parse(address)));
}

}  // namespace
}  // namespace headgate::l7::policy
