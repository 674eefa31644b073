// SPDX-License-Identifier: Apache-2.0
// The precedence of HTTP.md, sentence by sentence. router_property_test.cpp compares with an oracle.
#include "dataplane/l7/router.hpp"

#include <gtest/gtest.h>

#include "tests/l7/router_fixture.hpp"

namespace headgate::l7 {
namespace {

using contract::PathMatchType;

TEST(Router, TheListenerIsChosenByAddressAndPortThenByHostname) {
  RouterFixture fixture;
  fixture.listener("any", "").listener("wild", "*.example.com").listener("wilder", "*.a.example.com");
  fixture.listener("exact", "app.example.com").listener("elsewhere", "", {*IpAddress::parse("::1"), 80});
  const auto chosen = [&](std::string_view host) {
    const auto* listener = fixture.router.listener(kReached, host);
    return listener ? listener->uid : "none";
  };
  EXPECT_EQ(chosen("app.example.com"), "exact");
  EXPECT_EQ(chosen("b.example.com"), "wild");
  EXPECT_EQ(chosen("b.c.example.com"), "wild") << "a wildcard covers one or more labels";
  EXPECT_EQ(chosen("b.a.example.com"), "wilder") << "the longest wildcard";
  EXPECT_EQ(chosen("example.com"), "any") << "a wildcard is not its own suffix";
  EXPECT_EQ(chosen("xexample.com"), "any");
  EXPECT_EQ(chosen(""), "any");
  EXPECT_EQ(chosen("[::1]"), "any");
  EXPECT_EQ(fixture.router.listener({kReached.address, 81}, "app.example.com"), nullptr);
}

TEST(Router, AnotherListenersRulesAreNoneOfThisOnes) {
  RouterFixture fixture;
  fixture.listener("any", "").listener("exact", "app.example.com");
  fixture.route({.name = "r", .listeners = {"any"}, .rules = {{prefix("/")}}});
  EXPECT_EQ(fixture.winner("app.example.com", "/"), "no_rule");
  EXPECT_EQ(fixture.winner("other.example.com", "/"), "r/0");
  fixture.remove_listener("any");
  EXPECT_EQ(fixture.winner("other.example.com", "/"), "no_listener");
}

TEST(Router, TheMoreSpecificHostnameWins) {
  RouterFixture fixture;
  fixture.listener("web", "");
  fixture.route({.name = "any", .rules = {{exact("/a")}}});
  fixture.route({.name = "short", .hostnames = {"*.com"}, .rules = {{exact("/a")}}});
  fixture.route({.name = "long", .hostnames = {"*.example.com"}, .rules = {{exact("/a")}}});
  fixture.route({.name = "exact", .hostnames = {"APP.example.com"}, .rules = {{prefix("/")}}});
  EXPECT_EQ(fixture.winner("app.example.com", "/a"), "exact/0") << "before any better path";
  EXPECT_EQ(fixture.winner("b.example.com", "/a"), "long/0");
  EXPECT_EQ(fixture.winner("example.com", "/a"), "short/0");
  EXPECT_EQ(fixture.winner("example.org", "/a"), "any/0");
  EXPECT_EQ(fixture.winner("b.example.com", "/b"), "no_rule");
}

TEST(Router, ALessSpecificHostnameServesWhatTheMoreSpecificDoesNot) {
  RouterFixture fixture;
  fixture.listener("web", "");
  fixture.route({.name = "any", .rules = {{prefix("/")}}});
  fixture.route({.name = "exact", .hostnames = {"app.example.com"}, .rules = {{prefix("/a")}}});
  EXPECT_EQ(fixture.winner("app.example.com", "/a/b"), "exact/0");
  EXPECT_EQ(fixture.winner("app.example.com", "/b"), "any/0");
}

TEST(Router, PrefixesMatchByElements) {
  RouterFixture fixture;
  fixture.listener("web", "");
  fixture.route(
      {.name = "r", .rules = {{prefix("/")}, {prefix("/abc")}, {prefix("/abc/d/")}, {exact("/abc/x")}}});
  EXPECT_EQ(fixture.winner("h", "/abc"), "r/1");
  EXPECT_EQ(fixture.winner("h", "/abc/"), "r/1");
  EXPECT_EQ(fixture.winner("h", "/abc/q"), "r/1");
  EXPECT_EQ(fixture.winner("h", "/abcd"), "r/0");
  EXPECT_EQ(fixture.winner("h", "/abc/d"), "r/2") << "a prefix's final slash is no element";
  EXPECT_EQ(fixture.winner("h", "/abc/d/e/f"), "r/2");
  EXPECT_EQ(fixture.winner("h", "/abc/x"), "r/3");
  EXPECT_EQ(fixture.winner("h", "/abc/x/"), "r/1") << "an exact path is exact";
  EXPECT_EQ(fixture.winner("h", "/ABC"), "r/0") << "paths have case";
  EXPECT_EQ(fixture.winner("h", "*"), "no_rule");
  EXPECT_EQ(fixture.winner("h", ""), "no_rule");
}

TEST(Router, ConfiguredPathsHaveTheNormalFormOfRequests) {
  RouterFixture fixture;
  fixture.listener("web", "");
  fixture.route({.name = "r", .rules = {{exact("/%7eme/../%c3%a9")}, {prefix("/bad%00")}, {prefix("/ok")}}});
  EXPECT_EQ(fixture.winner("h", "/%C3%A9"), "r/0");
  EXPECT_EQ(fixture.winner("h", "/ok"), "r/2") << "a path that can't be does no harm to its neighbours";
}

TEST(Router, MethodThenHeaderCountThenAgeThenNameThenOrder) {
  RouterFixture fixture;
  fixture.listener("web", "");
  const auto two = headers({{"a", "1"}, {"b", "2"}});
  fixture.route({.name = "young", .created_at_ms = 9, .rules = {{prefix("/")}, {prefix("/")}}});
  EXPECT_EQ(fixture.winner("h", "/", "GET", {{"a", "1"}, {"b", "2"}}), "young/0") << "the first rule";
  fixture.route({.name = "b-old", .created_at_ms = 1, .rules = {{prefix("/")}}});
  EXPECT_EQ(fixture.winner("h", "/", "GET", {{"a", "1"}, {"b", "2"}}), "b-old/0") << "the oldest";
  fixture.route({.name = "a-old", .created_at_ms = 1, .rules = {{prefix("/")}}});
  EXPECT_EQ(fixture.winner("h", "/", "GET", {{"a", "1"}, {"b", "2"}}), "a-old/0") << "the smallest name";
  fixture.route({.name = "one", .created_at_ms = 8, .rules = {{headers({{"A", "1"}})}}});
  EXPECT_EQ(fixture.winner("h", "/", "GET", {{"a", "1"}, {"b", "2"}}), "one/0") << "a header";
  fixture.route({.name = "two", .created_at_ms = 9, .rules = {{two}}});
  EXPECT_EQ(fixture.winner("h", "/", "GET", {{"a", "1"}, {"b", "2"}}), "two/0") << "more headers";
  fixture.route({.name = "method", .created_at_ms = 9, .rules = {{method("GET")}}});
  EXPECT_EQ(fixture.winner("h", "/", "GET", {{"a", "1"}, {"b", "2"}}), "method/0") << "a method";
  EXPECT_EQ(fixture.winner("h", "/", "get", {{"a", "1"}, {"b", "2"}}), "two/0") << "methods have case";
  EXPECT_EQ(fixture.winner("h", "/", "GET", {{"a", "1"}}), "method/0");
  EXPECT_EQ(fixture.winner("h", "/", "PUT", {{"a", "1"}}), "one/0");
  EXPECT_EQ(fixture.winner("h", "/", "PUT", {{"a", "2"}}), "a-old/0") << "header values are exact";
}

TEST(Router, ExpressionsComeAfterExactPathsAndPrefixes) {
  RouterFixture fixture;
  fixture.listener("web", "");
  fixture.route({.name = "r", .rules = {{regex("/a/.*")}, {prefix("/a/b")}, {exact("/a/b/c")}}});
  EXPECT_EQ(fixture.winner("h", "/a/b/c"), "r/2");
  EXPECT_EQ(fixture.winner("h", "/a/b/d"), "r/1");
  EXPECT_EQ(fixture.winner("h", "/a/x"), "r/0");
  EXPECT_EQ(fixture.winner("h", "/a"), "no_rule") << "the whole path must match";
  EXPECT_EQ(fixture.winner("h", "/x/a/b"), "no_rule");
  EXPECT_EQ(fixture.winner("h", "*"), "no_rule");
}

TEST(Router, ExpressionsAreFoundWhereverTheyMayBegin) {
  RouterFixture fixture;
  fixture.listener("web", "");
  fixture.route({.name = "deep", .created_at_ms = 5, .rules = {{regex("/a/b/c[0-9]+")}}});
  fixture.route({.name = "wide", .created_at_ms = 9, .rules = {{regex(".*[0-9]")}, {regex("/(a|b)/x")}}});
  EXPECT_EQ(fixture.winner("h", "/a/b/c1"), "deep/0") << "the oldest";
  EXPECT_EQ(fixture.winner("h", "/a/b/d1"), "wide/0");
  EXPECT_EQ(fixture.winner("h", "/b/x"), "wide/1");
  fixture.route({.name = "wide", .created_at_ms = 1, .rules = {{regex(".*[0-9]")}}});
  EXPECT_EQ(fixture.winner("h", "/a/b/c1"), "wide/0") << "a longer beginning is no merit of its own";
  EXPECT_EQ(fixture.winner("h", "/b/x"), "no_rule");
  fixture.change({}, {{"shard/edge", contract::Kind::kRoute, "default.deep"}});
  EXPECT_EQ(fixture.winner("h", "/a/b/c"), "no_rule");
}

TEST(Router, AnExpressionThatIsNoneHarmsNothingElse) {
  RouterFixture fixture;
  fixture.listener("web", "");
  auto bad = headers({{"x", "(", contract::ValueMatchType::kRegex}});
  fixture.route({.name = "r", .rules = {{regex("(")}, {bad}, {regex("/a")}}});
  EXPECT_EQ(fixture.winner("h", "/a", "GET", {{"x", "("}}), "r/2");
  EXPECT_EQ(fixture.winner("h", "/b", "GET", {{"x", "("}}), "no_rule");
}

TEST(Router, AfterHeadersMoreQueryParametersWin) {
  RouterFixture fixture;
  fixture.listener("web", "");
  fixture.route({.name = "old", .created_at_ms = 1, .rules = {{prefix("/")}}});
  fixture.route({.name = "one", .created_at_ms = 2, .rules = {{query({{"a", "1"}})}}});
  fixture.route({.name = "two", .created_at_ms = 3, .rules = {{query({{"a", "1"}, {"b", "2"}})}}});
  EXPECT_EQ(fixture.winner("h", "/?b=2&a=1"), "two/0");
  EXPECT_EQ(fixture.winner("h", "/?b=3&a=1"), "one/0");
  EXPECT_EQ(fixture.winner("h", "/?a=2"), "old/0");
  EXPECT_EQ(fixture.winner("h", "/"), "old/0");
  fixture.route({.name = "header", .created_at_ms = 9, .rules = {{headers({{"x", "1"}})}}});
  EXPECT_EQ(fixture.winner("h", "/?b=2&a=1", "GET", {{"x", "1"}}), "header/0") << "headers come first";
  fixture.route({.name = "dup", .created_at_ms = 1, .rules = {{query({{"a", "1"}, {"a", "2"}})}}});
  EXPECT_EQ(fixture.winner("h", "/?a=1"), "dup/0") << "of several on one key the first counts, once";
}

TEST(Router, SeveralFieldsOfANameAreOneList) {
  RouterFixture fixture;
  fixture.listener("web", "");
  fixture.route({.name = "list", .rules = {{headers({{"x", "1, 2"}})}}});
  fixture.route({.name = "host", .rules = {{headers({{"host", "h"}})}}});
  EXPECT_EQ(fixture.winner("g", "/", "GET", {{"x", "1"}, {"x", "2"}}), "list/0");
  EXPECT_EQ(fixture.winner("g", "/", "GET", {{"x", "1, 2"}}), "list/0");
  EXPECT_EQ(fixture.winner("g", "/", "GET", {{"x", "2"}, {"x", "1"}}), "no_rule");
  EXPECT_EQ(fixture.winner("g", "/", "GET", {{"x", "1"}}), "no_rule");
  EXPECT_EQ(fixture.winner("h", "/"), "host/0");
}

TEST(Router, OfSeveralConditionsOnOneHeaderTheFirstCounts) {
  RouterFixture fixture;
  fixture.listener("web", "");
  fixture.route({.name = "dup", .rules = {{headers({{"x", "1"}, {"X", "2"}})}}});
  fixture.route({.name = "one", .created_at_ms = -1, .rules = {{headers({{"x", "1"}})}}});
  EXPECT_EQ(fixture.winner("h", "/", "GET", {{"x", "1"}}), "one/0") << "and it counts once";
}

TEST(Router, AnyEntryOfMatchesSufficesAndNoneIsEverything) {
  RouterFixture fixture;
  fixture.listener("web", "");
  fixture.route({.name = "r", .rules = {{exact("/a"), method("PUT")}}});
  fixture.route({.name = "all", .hostnames = {"*.all"}, .rules = {{}}});
  EXPECT_EQ(fixture.winner("h", "/a"), "r/0");
  EXPECT_EQ(fixture.winner("h", "/b", "PUT"), "r/0");
  EXPECT_EQ(fixture.winner("h", "/b"), "no_rule");
  EXPECT_EQ(fixture.winner("h.all", "/b"), "all/0");
}

TEST(Router, AHostnameThatIsNoneHarmsNothingElse) {
  RouterFixture fixture;
  fixture.listener("web", "").listener("broken", "*.*.x");
  fixture.route({.name = "r", .hostnames = {"a b", "*", "ok.example"}, .rules = {{prefix("/")}}});
  EXPECT_EQ(fixture.winner("ok.example", "/"), "r/0");
  EXPECT_EQ(fixture.winner("b.example", "/"), "no_rule");
}

TEST(Router, ARouteWaitsForAListenerThatComesLater) {
  RouterFixture fixture;
  fixture.route({.name = "r", .listeners = {"late"}, .rules = {{prefix("/")}}});
  EXPECT_EQ(fixture.winner("h", "/"), "no_listener");
  fixture.listener("late", "");
  EXPECT_EQ(fixture.winner("h", "/"), "r/0");
}

TEST(Router, OfTwoListenersWithOneHostnameTheSmallerNameServesUntilItGoes) {
  RouterFixture fixture;
  fixture.listener("b", "").listener("a", "");
  fixture.route({.name = "ra", .listeners = {"a"}, .rules = {{prefix("/")}}});
  fixture.route({.name = "rb", .listeners = {"b"}, .rules = {{prefix("/")}}});
  EXPECT_EQ(fixture.winner("h", "/"), "ra/0");
  fixture.remove_listener("a");
  EXPECT_EQ(fixture.winner("h", "/"), "rb/0");
}

TEST(Router, ACopyOfAnotherShardsListenerIsFoundByItsUidAlone) {
  RouterFixture fixture;
  auto copy = make_listener("far", "", kReached);
  copy.hop_from = "central";
  fixture.listener("web", "own.com").change({upsert_of(copy)}, {});
  fixture.route({.name = "r", .listeners = {"far"}, .rules = {{prefix("/")}}});
  EXPECT_EQ(fixture.winner("h", "/"), "no_listener") << "nobody comes to it by its address";
  const auto* found = fixture.router.hop_listener("far");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->object->hop_from, "central");
  EXPECT_FALSE(fixture.router.hop_listener("web")) << "it ends here";
  EXPECT_FALSE(fixture.router.hop_listener("unknown"));
  // It moves here, and away again.
  fixture.listener("far", "");
  EXPECT_EQ(fixture.winner("h", "/"), "r/0");
  EXPECT_FALSE(fixture.router.hop_listener("far"));
  fixture.change({upsert_of(copy)}, {});
  EXPECT_EQ(fixture.winner("h", "/"), "no_listener");
  fixture.remove_listener("far");
  EXPECT_FALSE(fixture.router.hop_listener("far"));
}

TEST(Router, PeersAreTrustedAsTheListenersSay) {
  RouterFixture fixture;
  const auto peer = *IpAddress::parse("10.0.0.1"), stranger = *IpAddress::parse("192.0.2.2");
  auto listener = make_listener("web", "", kReached);
  listener.trusted_proxies = {*Prefix::parse("10.0.0.0/8")};
  fixture.change({upsert_of(listener)}, {});
  EXPECT_EQ(fixture.router.trust_of(kReached, peer), PeerTrust::kForwards);
  listener.proxy_protocol = true;
  fixture.change({upsert_of(listener)}, {});
  EXPECT_EQ(fixture.router.trust_of(kReached, peer), PeerTrust::kSpeaksProxy);
  EXPECT_EQ(fixture.router.trust_of(kReached, stranger), PeerTrust::kNone);
  EXPECT_EQ(fixture.router.trust_of({kReached.address, 1}, peer), PeerTrust::kNone) << "nobody listens there";
  listener.trusted_proxies = {};
  fixture.change({upsert_of(listener)}, {});
  EXPECT_EQ(fixture.router.trust_of(kReached, peer), PeerTrust::kNone);
}

TEST(Router, ManyElementsCostOnlyTheLengthsThatAreConfigured) {
  RouterFixture fixture;
  fixture.listener("web", "");
  std::string deep;
  for (std::size_t i = 0; i < limits::kRoutePathElementsMax; ++i) deep += "/a";
  fixture.route({.name = "r", .rules = {{prefix(deep)}, {prefix(deep + "/a")}, {prefix("/a")}}});
  EXPECT_EQ(fixture.winner("h", deep), "r/0");
  EXPECT_EQ(fixture.winner("h", deep + "/b"), "r/0");
  EXPECT_EQ(fixture.winner("h", deep + "/a"), "r/0") << "past the bound a prefix matches nothing";
  std::string very_deep;
  for (int i = 0; i < 4000; ++i) very_deep += "/b";
  EXPECT_EQ(fixture.winner("h", "/a" + very_deep), "r/2");
}

TEST(Router, TlsPassesWhereOneOfTheListenersSaysSo) {
  RouterFixture fixture;
  auto passing = make_listener("pass", "app.example", kReached);
  passing.protocol = contract::Protocol::kTls;
  fixture.listener("web", "");
  EXPECT_FALSE(fixture.router.passes_tls(kReached));
  fixture.change({upsert_of(passing)}, {});
  EXPECT_TRUE(fixture.router.passes_tls(kReached));
  EXPECT_FALSE(fixture.router.passes_tls({kReached.address, 1})) << "nobody listens there";
  EXPECT_EQ(fixture.router.listener(kReached, "app.example")->uid, "pass");
  EXPECT_EQ(fixture.router.listener(kReached, "")->uid, "web");
  passing.protocol = contract::Protocol::kHttps;
  fixture.change({upsert_of(passing)}, {});
  EXPECT_FALSE(fixture.router.passes_tls(kReached));
}

}  // namespace
}  // namespace headgate::l7
