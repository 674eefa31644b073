// SPDX-License-Identifier: Apache-2.0
// The order of the filters, and what each makes of a request; cors_test.cpp and its neighbours have each
// filter's own rules.
#include "dataplane/l7/policy/policy.hpp"

#include <gtest/gtest.h>

#include "dataplane/l7/policy/ip_access.hpp"

namespace headgate::l7::policy {
namespace {

using namespace std::chrono_literals;

class PolicyTest : public testing::Test {
 protected:
  PolicyTest() {
    facts_.client = *IpAddress::parse("192.0.2.1");
    facts_.scheme = "http";
    facts_.port = "80";
    request_.host = "app.example";
    request_.port = 8080;
    request_.path = "/a/b";
  }

  // The name of the filter that answered.
  std::string_view filter(const Policy& policy) {
    answer_.clear();
    const auto verdict =
        filter_request(policy, Blocks::all(), {facts_, "/a", now_}, request_, answer_, arena_);
    body_ = verdict.body;
    return name_of(verdict.answered_by);
  }
  static Policy policy(contract::Filters filters, const Policy* before = nullptr) {
    return Policy(contract::Boxed<contract::Filters>(std::move(filters)), before);
  }
  std::string_view field(std::string_view name) const {
    const auto* found = answer_.headers.find(name);
    return found ? found->value : "none";
  }

  Arena arena_;
  ForwardedFacts facts_;
  RequestHead request_;
  ResponseHead answer_;
  std::string_view body_;
  std::chrono::nanoseconds now_ = 1s;
};

TEST_F(PolicyTest, NothingIsDoneWithoutAFilter) {
  EXPECT_EQ(filter(policy({})), "none");
  EXPECT_EQ(request_.path, "/a/b");
  EXPECT_EQ(request_.headers.size(), 0U);
}

TEST_F(PolicyTest, WhoMayNotEnterIsToldBeforeAnythingElse) {
  contract::Filters filters;
  filters.ip_access = contract::IpAccess{{*Prefix::parse("10.0.0.0/8")}, {*Prefix::parse("10.1.0.0/16")}};
  filters.redirect = contract::Redirect{};
  const Policy both = policy(filters);
  EXPECT_EQ(filter(both), "ip_access");
  EXPECT_EQ(answer_.status, 403);
  facts_.client = *IpAddress::parse("10.2.0.1");
  EXPECT_EQ(filter(both), "redirect");
  facts_.client = *IpAddress::parse("10.1.0.1");
  EXPECT_EQ(filter(both), "ip_access") << "deny wins";
  EXPECT_TRUE(may_enter({{}, {*Prefix::parse("10.0.0.0/8")}}, *IpAddress::parse("192.0.2.1")));
  EXPECT_TRUE(may_enter({}, *IpAddress::parse("192.0.2.1")));
  EXPECT_FALSE(may_enter({{*Prefix::parse("0.0.0.0/0")}, {}}, *IpAddress::parse("::1")));
}

TEST_F(PolicyTest, RateLimitsCountByTheirKey) {
  contract::Filters filters;
  filters.rate_limit = contract::RateLimit{1, 10s, 1, contract::RateKey::kClient, ""};
  const Policy by_client = policy(filters);
  EXPECT_EQ(filter(by_client), "none");
  EXPECT_EQ(filter(by_client), "rate_limit");
  EXPECT_EQ(answer_.status, 429);
  EXPECT_EQ(field("retry-after"), "10");
  now_ += 9'500ms;
  EXPECT_EQ(filter(by_client), "rate_limit");
  EXPECT_EQ(field("retry-after"), "1") << "whole seconds, never too early";
  facts_.client = *IpAddress::parse("192.0.2.2");
  EXPECT_EQ(filter(by_client), "none");
  facts_.client = *IpAddress::parse("2001:db8::1");
  EXPECT_EQ(filter(by_client), "none");
  facts_.client = *IpAddress::parse("2001:db8::2");
  EXPECT_EQ(filter(by_client), "rate_limit") << "a /64 is one client";
  facts_.client = *IpAddress::parse("2001:db8:0:1::1");
  EXPECT_EQ(filter(by_client), "none");

  filters.rate_limit = contract::RateLimit{1, 10s, 1, contract::RateKey::kHeader, "x-key"};
  const Policy by_header = policy(filters);
  EXPECT_EQ(filter(by_header), "none");
  EXPECT_EQ(filter(by_header), "rate_limit") << "requests without the header share one limit";
  request_.headers.add({"x-key", "a", HeaderId::kOther});
  EXPECT_EQ(filter(by_header), "none");
  EXPECT_EQ(filter(by_header), "rate_limit");
}

TEST_F(PolicyTest, WhatARateLimitHasCountedOutlivesAChangeOfAnotherFilter) {
  contract::Filters filters;
  filters.rate_limit = contract::RateLimit{1, 10s, 1, contract::RateKey::kAll, ""};
  const Policy before = policy(filters);
  EXPECT_EQ(filter(before), "none");
  filters.rewrite = contract::Rewrite{};
  const Policy after = policy(filters, &before);
  EXPECT_EQ(filter(after), "rate_limit");
  filters.rate_limit = contract::RateLimit{2, 10s, 1, contract::RateKey::kAll, ""};
  EXPECT_EQ(filter(policy(filters, &after)), "none") << "another limit begins anew";
}

TEST_F(PolicyTest, ADirectResponseHasItsHeadersAndBody) {
  contract::Filters filters;
  filters.direct_response = contract::DirectResponse{418, "short", {{"x-a", "1"}, {"content-length", "99"}}};
  const Policy direct = policy(filters);
  EXPECT_EQ(filter(direct), "direct_response");
  EXPECT_EQ(answer_.status, 418);
  EXPECT_EQ(body_, "short");
  EXPECT_EQ(field("x-a"), "1");
  EXPECT_EQ(field("content-length"), "none") << "framing is nobody's to set";
  EXPECT_EQ(field("content-type"), "text/plain; charset=utf-8");
}

TEST_F(PolicyTest, RewriteChangesWhatTheBackendIsAskedFor) {
  contract::Filters filters;
  filters.request_headers = contract::HeaderEdit{{{"x-a", "1"}}, {}, {}};
  filters.rewrite =
      contract::Rewrite{"inner.example", contract::PathEdit{contract::PathEditType::kPrefix, "/%7ex"}};
  const Policy rewriting = policy(filters);
  EXPECT_EQ(filter(rewriting), "none");
  EXPECT_EQ(request_.host, "inner.example");
  EXPECT_EQ(request_.port, std::nullopt);
  EXPECT_EQ(request_.path, "/~x/b") << "normal again";
  EXPECT_EQ(request_.headers.find("x-a")->value, "1");
}

TEST_F(PolicyTest, ARewriteThatMakesNoPathIsNotForwarded) {
  contract::Filters filters;
  filters.rewrite = contract::Rewrite{"", contract::PathEdit{contract::PathEditType::kFull, "/a%00"}};
  EXPECT_EQ(filter(policy(filters)), "rewrite");
  EXPECT_EQ(answer_.status, 500);
  EXPECT_EQ(request_.path, "/a/b");
}

TEST_F(PolicyTest, ResponsesAreEditedLast) {
  contract::Filters filters;
  filters.cors = contract::Cors{.origins = {"*"}, .methods = {}, .headers = {}, .expose = {}};
  filters.response_headers = contract::HeaderEdit{{{"server", "mine"}}, {{"x-a", "1"}}, {"x-secret"}};
  const Policy editing = policy(filters);
  answer_.headers.add(HeaderId::kServer, "backend");
  answer_.headers.add({"x-secret", "1", HeaderId::kOther});
  filter_response(editing, Blocks::all(), "https://a.example", answer_);
  EXPECT_EQ(field("server"), "mine");
  EXPECT_EQ(field("x-a"), "1");
  EXPECT_EQ(field("x-secret"), "none");
  EXPECT_EQ(field("access-control-allow-origin"), "*");
}

}  // namespace
}  // namespace headgate::l7::policy
