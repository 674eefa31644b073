// SPDX-License-Identifier: Apache-2.0
// Laws of the Router, on random objects, deltas and requests from a vocabulary so small that everything
// collides: it finds what the oracle finds, it does not matter in which deltas the objects came, and what
// explains a choice has the winner that was chosen.
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "dataplane/l7/explain.hpp"
#include "tests/l7/router_fixture.hpp"
#include "tests/l7/router_oracle.hpp"

namespace headgate::l7 {
namespace {

class RouterWorld {
 public:
  explicit RouterWorld(unsigned seed) : random_(seed) {}

  unsigned below(unsigned bound) { return static_cast<unsigned>(random_() % bound); }

  std::string hostname() {
    static const char* const kNames[] = {"",      "a.b.c",   "b.c",     "x.b.c", "*.c",
                                         "*.b.c", "*.a.b.c", "x.a.b.c", "c",     "*.x.b.c"};
    return kNames[below(std::size(kNames))];
  }
  std::string host() {
    static const char* const kHosts[] = {"a.b.c",     "b.c", "x.b.c", "x.a.b.c",
                                         "y.x.a.b.c", "c",   "d",     "y.x.b.c"};
    return kHosts[below(std::size(kHosts))];
  }
  std::string path() {
    std::string text;
    for (unsigned depth = below(4); depth > 0; --depth) text += below(2) == 0 ? "/p" : "/pq";
    return text.empty() || below(5) == 0 ? text + "/" : text;
  }
  std::string method_name() { return below(2) == 0 ? "GET" : "PUT"; }

  contract::RouteMatch match() {
    contract::RouteMatch match;
    match.path.type = static_cast<contract::PathMatchType>(below(3));
    match.path.value = match.path.type == contract::PathMatchType::kRegex ? expression() : path();
    if (below(3) == 0) match.method = method_name();
    for (const char* name : {"h", "i"})
      if (below(4) == 0) match.headers.push_back({name, value(), value_type_});
    for (const char* name : {"k", "l"})
      if (below(4) == 0) match.query.push_back({name, value(), value_type_});
    return match;
  }

  std::string expression() {
    static const char* const kExpressions[] = {"/p.*",    "/p/pq?/.*", "/p/p|/pq/pq", "(/p|/pq)/p.*",
                                               "/p{2}q*", ".*q",       "/(p|pq)/?",   "/pq/p/[^/]+",
                                               "[/p]*",   "/p/pq",     "/pq/(p|pq)/p"};
    return kExpressions[below(std::size(kExpressions))];
  }
  std::string value() {
    const bool is_regex = below(3) == 0;
    value_type_ = is_regex ? contract::ValueMatchType::kRegex : contract::ValueMatchType::kExact;
    return is_regex ? below(2) == 0 ? "[01]" : "1|x" : std::to_string(below(2));
  }
  std::optional<std::string> query() {
    static const char* const kQueries[] = {"", "k=0", "k=1&l=0", "l=1", "k&k=1", "l=0&l=1&k=1", "&m=1&k=0&"};
    return below(3) == 0 ? std::nullopt : std::optional<std::string>(kQueries[below(std::size(kQueries))]);
  }

  contract::Route route(unsigned index) {
    RouteSpec spec;
    spec.name = "r" + std::to_string(index);
    spec.namespace_name = index % 2 == 0 ? "one" : "two";
    spec.created_at_ms = below(3);
    spec.listeners.clear();
    for (unsigned i = 0; i < kListeners; ++i)
      if (below(2) == 0) spec.listeners.push_back("l" + std::to_string(i));
    for (unsigned i = below(3); i > 0; --i)
      if (auto name = hostname(); !name.empty()) spec.hostnames.push_back(name);
    for (unsigned i = 1 + below(3); i > 0; --i) {
      spec.rules.emplace_back();
      for (unsigned j = 1 + below(2); j > 0; --j) spec.rules.back().push_back(match());
    }
    return make_route(spec);
  }

  contract::Listener listener(unsigned index) {
    const Endpoint other{kReached.address, 8080};
    return make_listener("l" + std::to_string(index), hostname(), below(4) == 0 ? other : kReached);
  }

  // Changes a few objects in `truth`; returns the delta.
  contract::Delta change(RouterOracle& truth) {
    contract::Delta delta{.base = 1, .revision = 2, .upserts = {}, .removals = {}};
    std::set<std::string> touched;
    for (unsigned i = 1 + below(6); i > 0; --i) {
      if (below(4) == 0) {
        change(truth.listeners, listener(below(kListeners)), touched, delta);
      } else {
        change(truth.routes, route(below(kRoutes)), touched, delta);
      }
    }
    return delta;
  }

  static contract::Delta everything(const RouterOracle& truth) {
    contract::Delta delta{.base = 0, .revision = 2, .upserts = {}, .removals = {}};
    for (const auto& [uid, listener] : truth.listeners) delta.upserts.push_back(upsert_of(listener));
    for (const auto& [uid, route] : truth.routes) delta.upserts.push_back(upsert_of(route));
    return delta;
  }

 private:
  static constexpr unsigned kListeners = 5;
  static constexpr unsigned kRoutes = 25;

  template <typename T>
  void change(std::map<std::string, T>& objects, T object, std::set<std::string>& touched,
              contract::Delta& delta) {
    if (!touched.insert(object.uid).second) return;
    if (below(4) == 0) {
      delta.removals.push_back({"shard/edge", contract::kind_of(object), object.uid});
      objects.erase(object.uid);
      return;
    }
    delta.upserts.push_back(upsert_of(object));
    objects.insert_or_assign(object.uid, std::move(object));
  }

  std::mt19937 random_;
  contract::ValueMatchType value_type_ = contract::ValueMatchType::kExact;
};

// The winner by what explain() says; empty where it names none.
const CompiledMatch* explained_winner(const RouterFixture& fixture, const RequestHead& request) {
  const auto* listener = fixture.router.listener(kReached, request.host);
  if (!listener) return nullptr;
  const auto explanation = explain(*listener, request);
  EXPECT_EQ(explanation.left_out, 0U);
  const auto first =
      std::find_if(explanation.matches.begin(), explanation.matches.end(),
                   [](const ExplainedMatch& match) { return match.failure.condition == Condition::kNone; });
  const auto* won = first == explanation.matches.end() ? nullptr : first->match;
  EXPECT_EQ(won, explanation.winner.match);
  return won;
}

TEST(RouterProperty, FindsWhatTheOracleFindsHoweverTheObjectsCame) {
  unsigned found = 0;
  for (unsigned seed = 0; seed < 20; ++seed) {
    RouterWorld world(seed);
    RouterOracle truth;
    RouterFixture stepwise;
    for (int step = 0; step < 30; ++step) {
      stepwise.router = stepwise.router.with(world.change(truth), stepwise.maker);
      RouterFixture rebuilt;
      rebuilt.router = rebuilt.router.with(RouterWorld::everything(truth), rebuilt.maker);
      ASSERT_EQ(stepwise.router.routes(), truth.routes.size());
      for (int ask = 0; ask < 40; ++ask) {
        const auto host = world.host();
        const auto path = world.path();
        const auto method_name = world.method_name();
        const auto query = world.query();
        RequestHead request;
        request.host = host;
        request.path = path;
        request.method_text = method_name;
        if (query) request.query = *query;
        if (world.below(2) == 0) request.headers.add({"h", "0", HeaderId::kOther});
        if (world.below(2) == 0) request.headers.add({"i", "1", HeaderId::kOther});
        const auto wanted = truth.winner(kReached, request);
        found += wanted.front() == 'r' ? 1 : 0;
        ASSERT_EQ(stepwise.winner(request), wanted) << seed << ":" << step << " " << host << path;
        ASSERT_EQ(rebuilt.winner(request), wanted) << seed << ":" << step << " " << host << path;
        if (ask % 4 != 0) continue;
        const auto* explained = explained_winner(stepwise, request);
        ASSERT_EQ(explained != nullptr, wanted.front() == 'r') << seed << ":" << step << " " << host << path;
      }
    }
  }
  EXPECT_GT(found, 5'000U) << "the vocabulary no longer collides";
}

TEST(RouterProperty, NothingRemainsWhenEverythingIsRemoved) {
  RouterWorld world(7);
  RouterOracle truth;
  RouterFixture fixture;
  for (int step = 0; step < 50; ++step)
    fixture.router = fixture.router.with(world.change(truth), fixture.maker);
  contract::Delta removal{.base = 1, .revision = 3, .upserts = {}, .removals = {}};
  for (const auto& [uid, route] : truth.routes)
    removal.removals.push_back({"shard/edge", contract::Kind::kRoute, uid});
  for (const auto& [uid, listener] : truth.listeners)
    removal.removals.push_back({"shard/edge", contract::Kind::kListener, uid});
  fixture.router = fixture.router.with(removal, fixture.maker);
  EXPECT_EQ(fixture.router.routes(), 0U);
  EXPECT_EQ(fixture.winner("a.b.c", "/p"), "no_listener");
  EXPECT_EQ(fixture.plans.reclaim(), 0U);
}

}  // namespace
}  // namespace headgate::l7
