// SPDX-License-Identifier: Apache-2.0
// router_property_test.cpp holds that explain() and match() agree; here is what people read.
#include "dataplane/l7/explain.hpp"

#include <gtest/gtest.h>

#include "tests/l7/router_fixture.hpp"

namespace headgate::l7 {
namespace {

std::vector<std::string> explained(const RouterFixture& fixture, const RequestHead& request) {
  std::vector<std::string> lines;
  const auto* listener = fixture.router.listener(kReached, request.host);
  if (!listener) return lines;
  for (const auto& entry : explain(*listener, request).matches) {
    auto line = std::string(entry.match->plan->name.route()) + "/" + std::to_string(entry.match->rule) + " " +
                std::string(name_of(entry.failure.condition));
    if (!entry.failure.name.empty()) line += " " + std::string(entry.failure.name);
    lines.push_back(line);
  }
  return lines;
}

TEST(Explain, NamesTheFirstConditionThatFailedInTheOrderOfPrecedence) {
  RouterFixture fixture;
  fixture.listener("web", "");
  fixture.route({.name = "any", .rules = {{prefix("/")}, {method("PUT")}}});
  fixture.route({.name = "other", .hostnames = {"b.example"}, .rules = {{prefix("/")}}});
  fixture.route({.name = "app",
                 .hostnames = {"a.example"},
                 .rules = {{exact("/x/y")},
                           {headers({{"x-a", "1"}})},
                           {query({{"k", "1"}})},
                           {regex("/x.*")},
                           {regex("/z.*")},
                           {exact("/z")}}});
  RequestHead request;
  request.host = "a.example";
  request.path = "/x/y";
  request.method_text = "GET";
  request.query = "k=2";
  EXPECT_EQ(explained(fixture, request),
            (std::vector<std::string>{"app/0 none", "app/1 header x-a", "app/2 query k", "app/3 none",
                                      "any/1 method", "any/0 none", "app/5 path", "app/4 path",
                                      "other/0 hostname"}));
}

TEST(Explain, LeavesOutWhatIsFarthestFromTheRequest) {
  RouterFixture fixture;
  fixture.listener("web", "");
  const auto many = limits::kExplainedRulesMax + 10;
  for (std::size_t i = 0; i < many; ++i)
    fixture.route({.name = "r" + std::to_string(i),
                   .hostnames = {"h" + std::to_string(i) + ".example"},
                   .rules = {{prefix("/")}}});
  RequestHead request;
  request.host = "h265.example";
  request.path = "/";
  const auto explanation = explain(*fixture.router.listener(kReached, request.host), request);
  EXPECT_EQ(explanation.matches.size(), limits::kExplainedRulesMax);
  EXPECT_EQ(explanation.left_out, 10U);
  EXPECT_EQ(explanation.matches[0].match, explanation.winner.match);
  EXPECT_EQ(explanation.winner.plan->name.route(), "r265");
}

}  // namespace
}  // namespace headgate::l7
