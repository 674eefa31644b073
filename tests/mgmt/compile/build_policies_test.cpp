// SPDX-License-Identifier: Apache-2.0
// Which policies stand above what, in which order, on which side of the hop.
#include <gmock/gmock.h>

#include "mgmt/compile/build.hpp"
#include "tests/mgmt/compile/model_fixture.hpp"

namespace headgate::compile {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using enum contract::PolicyBlock;

constexpr const char* kLimit = R"("rate_limit":{"requests":1})";
constexpr const char* kCorsForAll = R"("cors":{"origins":["*"]})";

// Listener web ends on edge, where namespace a is served; namespace b is served on team.
class BuildPolicies : public ::testing::Test {
 protected:
  BuildPolicies() {
    for (const auto* shard : {"edge", "team"}) put(model_, global(Kind::kShard, shard), "{}");
    put(model_, global(Kind::kListener, "web"), listener_body("192.0.2.1", 80, "edge"));
    put(model_, global(Kind::kNamespace, "a"), "{}");
    put(model_, global(Kind::kNamespace, "b"), R"({"shard":"team"})");
    for (const auto* space : {"a", "b"}) {
      put(model_, pool_key(space, "p"), pool_body());
      put(model_, route_key(space, "r"), route_body("\"web\"", "p"));
    }
  }
  void add(const std::string& space, const std::string& name, const std::string& targets, const char* blocks,
           int64_t created_at_ms = 0) {
    const db::ObjectKey key{Kind::kPolicy, space, name};
    put(model_, key, R"({"targets":{)" + targets + "}," + blocks + "}");
    auto meta = model_.find(key)->meta;
    meta.created_at_ms = created_at_ms;
    model_.set_meta(key, meta);
  }
  contract::Route route(const std::string& space, const std::string& shard) const {
    return std::get<contract::Route>(build_route(model_, *model_.find(route_key(space, "r")), shard));
  }
  contract::Listener listener(const std::string& shard) const {
    return std::get<contract::Listener>(build_listener(model_, *model_.find(Kind::kListener, "web"), shard));
  }

  Model model_;
};

TEST_F(BuildPolicies, StandFromTheOutermostInAndTheOldestFirst) {
  add("a", "own", "", kLimit);
  add("a", "of-route", R"("routes":["r"])", kLimit);
  add("", "late", R"("namespaces":["a"])", kLimit, 2);
  add("", "early", R"("namespaces":["a","b"])", kLimit, 1);
  add("", "web", R"("listeners":["web"])", kLimit);
  add("", "edge", R"("shards":["edge"])", kLimit);
  EXPECT_THAT(listener("edge").policies, ElementsAre("uid-policy edge", "uid-policy web"));
  EXPECT_THAT(route("a", "edge").policies, ElementsAre("uid-policy early", "uid-policy late",
                                                       "uid-policy a/own", "uid-policy a/of-route"));
}

// The first tier has what stands above shard and listener, the second the rest: each is passed once.
TEST_F(BuildPolicies, StandOnOneSideOfTheHop) {
  add("", "web", R"("listeners":["web"])", kLimit);
  add("", "edge", R"("shards":["edge"])", kLimit);
  add("", "team", R"("shards":["team"])", kLimit);
  add("", "space", R"("namespaces":["b"])", kLimit);
  add("b", "own", R"("routes":["r"])", kCorsForAll);
  EXPECT_THAT(listener("edge").policies, ElementsAre("uid-policy edge", "uid-policy web"));
  EXPECT_THAT(listener("team").policies, ElementsAre("uid-policy team"));
  EXPECT_THAT(route("b", "edge").policies, IsEmpty());
  EXPECT_THAT(route("b", "team").policies, ElementsAre("uid-policy space", "uid-policy b/own"));
  EXPECT_THAT(route("b", "edge").rules.at(0).blocks_beyond_hop, ElementsAre(kRateLimit, kCors));
  EXPECT_THAT(route("b", "team").rules.at(0).blocks_beyond_hop, IsEmpty());
  EXPECT_THAT(used_by_route(model_, *model_.find(route_key("b", "r"))),
              ElementsAre(pool_key("b", "p"), global(Kind::kPolicy, "space"), global(Kind::kPolicy, "team"),
                          db::ObjectKey{Kind::kPolicy, "b", "own"}));
}

TEST_F(BuildPolicies, SayWhatTheyAreCalled) {
  add("a", "own", "", kLimit);
  const db::ObjectKey key{Kind::kPolicy, "a", "own"};
  const auto built = std::get<contract::Policy>(build_used(model_, *model_.find(key)));
  EXPECT_EQ(built.name, "a/own");
  EXPECT_EQ(built.mode, contract::PolicyMode::kDefault);
  EXPECT_EQ(built.filters->rate_limit->requests, 1u);
}

}  // namespace
}  // namespace headgate::compile
