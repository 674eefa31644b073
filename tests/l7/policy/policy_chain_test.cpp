// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/policy/policy_chain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/l7/policy/standing_policies.hpp"

namespace headgate::l7::policy {
namespace {

using namespace std::chrono_literals;
using enum contract::PolicyBlock;
using testing::ElementsAre;
using testing::IsEmpty;

using enum contract::PolicyMode;

Policy own(Blocks blocks, const std::string& name) {
  return Policy(contract::Boxed<contract::Filters>(filters_with(blocks, name)));
}

class PolicyChainTest : public testing::Test {
 protected:
  PolicyChainTest() {
    facts_.client = *IpAddress::parse("192.0.2.1");
    request_.host = "app.example";
    request_.path = "/";
  }

  void stand_above_listener(std::string name, contract::PolicyMode mode, Blocks blocks) {
    listener_.push_back(standing_policy(name, mode, filters_with(blocks, name)));
  }
  void stand_above_route(std::string name, contract::PolicyMode mode, Blocks blocks) {
    route_.push_back(standing_policy(name, mode, filters_with(blocks, name)));
  }
  PolicyChain chain(const Policy* rule = nullptr, const Policy* forward = nullptr) {
    listener_list_ = make_policy_list(listener_, {});
    route_list_ = make_policy_list(route_, rule ? Blocks::of(*rule->filters()) : Blocks{});
    return {.listener = &listener_list_, .route = &route_list_, .rule = rule, .forward = forward};
  }
  // "filter policy", both empty where the request goes on.
  std::string pass(const PolicyChain& chain) {
    for (const auto stage : {&PolicyChain::enter, &PolicyChain::enter_forward}) {
      const auto [verdict, policy] = (chain.*stage)({facts_, std::nullopt, 1s}, request_, response_, arena_);
      if (verdict.answered_by != Filter::kNone)
        return std::string(name_of(verdict.answered_by)) + " " + std::string(policy);
    }
    return "";
  }
  static std::vector<std::string> values(const Headers& headers, std::string_view name) {
    std::vector<std::string> values;
    for (const auto& field : headers)
      if (field.name == name) values.emplace_back(field.value);
    return values;
  }

  Arena arena_;
  ForwardedFacts facts_;
  RequestHead request_;
  ResponseHead response_;
  std::vector<StandingPolicyPtr> listener_, route_;
  PolicyList listener_list_, route_list_;
};

TEST_F(PolicyChainTest, IsEmptyWithoutAnything) {
  EXPECT_TRUE(PolicyChain{}.empty());
  EXPECT_TRUE(chain().empty());
  stand_above_route("p", kDefault, {});
  EXPECT_FALSE(chain().empty());
}

TEST_F(PolicyChainTest, SaysWhosePolicyLetsNobodyIn) {
  stand_above_listener("central", kMandatory, {kIpAccess});
  stand_above_route("team", kMandatory, {kIpAccess});
  const auto both = chain();
  EXPECT_EQ(pass(both), "");
  facts_.client = *IpAddress::parse("198.51.100.1");
  EXPECT_EQ(pass(both), "ip_access central");
  listener_.clear();
  EXPECT_EQ(pass(chain()), "ip_access team");
}

TEST_F(PolicyChainTest, EveryMandatoryLimitCounts) {
  stand_above_listener("central", kMandatory, {kRateLimit});
  const Policy rule = own({kRateLimit}, "rule");
  EXPECT_EQ(pass(chain(&rule)), "");
  EXPECT_EQ(pass(chain(&rule)), "rate_limit central");
  listener_.clear();
  EXPECT_EQ(pass(chain(&rule)), "rate_limit ");  // its own has counted the first
}

// One limiter a policy: what passes by one listener or rule counts for the next.
TEST_F(PolicyChainTest, ALimitCountsAllThatPassesUnderItsPolicy) {
  stand_above_route("team", kDefault, {kRateLimit});
  const auto one = make_policy_list(route_, {});
  const auto other = make_policy_list(route_, {});
  EXPECT_EQ(pass({.route = &one}), "");
  EXPECT_EQ(pass({.route = &other}), "rate_limit team");
}

TEST_F(PolicyChainTest, ADefaultGivesWayToTheRule) {
  stand_above_listener("central", kDefault, {kIpAccess, kRequestHeaders, kResponseHeaders});
  const Policy rule = own({kRequestHeaders}, "rule");
  const auto under = chain(&rule);
  facts_.client = *IpAddress::parse("198.51.100.1");
  EXPECT_EQ(pass(under), "ip_access central");
  facts_.client = *IpAddress::parse("192.0.2.1");
  EXPECT_EQ(pass(under), "");
  EXPECT_THAT(values(request_.headers, "x-by"), ElementsAre("rule"));
  under.leave("", response_);
  EXPECT_THAT(values(response_.headers, "x-by"), ElementsAre("central"));
}

TEST_F(PolicyChainTest, TheOutermostMandatoryHasTheLastWordOnHeaders) {
  const Blocks headers{kRequestHeaders, kResponseHeaders};
  stand_above_listener("shard", kMandatory, headers);
  stand_above_listener("listener", kMandatory, headers);
  stand_above_route("namespace", kMandatory, headers);
  stand_above_route("route", kDefault, headers);
  const Policy rule = own(headers, "rule");
  const Policy forward = own(headers, "forward");
  const auto all = chain(&rule, &forward);
  EXPECT_EQ(pass(all), "");
  all.leave("", response_);
  for (const auto* message : {&request_.headers, &response_.headers})
    EXPECT_THAT(values(*message, "x-set"), ElementsAre("shard"));
  EXPECT_THAT(values(request_.headers, "x-by"),
              ElementsAre("rule", "forward", "namespace", "listener", "shard"));
  EXPECT_THAT(values(response_.headers, "x-by"),
              ElementsAre("forward", "rule", "namespace", "listener", "shard"));
}

TEST_F(PolicyChainTest, WhatEditsHeadersGuardsTheTrailersOfThatDirection) {
  const auto guarded = [](const PolicyChain& chain, void (PolicyChain::*guard)(Headers&) const) {
    Headers trailers;
    for (const std::string_view name : {"x-set", "x-by"}) trailers.add({name, "forged"});
    (chain.*guard)(trailers);
    std::string names;
    for (const auto& field : trailers) names.append(field.name).append(" ");
    return names;
  };
  constexpr auto kRequest = &PolicyChain::guard_request_trailers;
  constexpr auto kResponse = &PolicyChain::guard_response_trailers;
  EXPECT_EQ(guarded({}, kRequest), "x-set x-by ");
  const Policy headers = own({kRequestHeaders}, "p");
  EXPECT_EQ(guarded(chain(&headers), kRequest), "x-by ");
  EXPECT_EQ(guarded(chain(nullptr, &headers), kRequest), "x-by ");
  EXPECT_EQ(guarded(chain(&headers), kResponse), "x-set x-by ");
  stand_above_listener("central", kMandatory, {kResponseHeaders});
  EXPECT_EQ(guarded(chain(), kRequest), "x-set x-by ");
  EXPECT_EQ(guarded(chain(), kResponse), "x-by ");
  listener_.clear();
  stand_above_route("team", kDefault, {kRequestHeaders});
  EXPECT_EQ(guarded(chain(), kRequest), "x-by ");
}

TEST_F(PolicyChainTest, MandatoryCorsIsAnsweredForAllFurtherIn) {
  stand_above_listener("central", kMandatory, {kCors});
  stand_above_route("team", kDefault, {kCors});
  const Policy rule = own({kCors}, "rule");
  const auto all = chain(&rule);
  for (const auto* origin : {"https://rule.example", "https://team.example"}) {
    response_.clear();
    all.leave(origin, response_);
    EXPECT_THAT(values(response_.headers, "access-control-allow-origin"), IsEmpty());
  }
  all.leave("https://central.example", response_);
  EXPECT_THAT(values(response_.headers, "access-control-allow-origin"),
              ElementsAre("https://central.example"));
  request_.method = Method::kOptions;
  request_.headers.add({"origin", "https://central.example", HeaderId::kOther});
  request_.headers.add({"access-control-request-method", "GET", HeaderId::kOther});
  EXPECT_EQ(pass(all), "cors central");
}

}  // namespace
}  // namespace headgate::l7::policy
