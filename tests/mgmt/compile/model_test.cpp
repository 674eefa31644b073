// SPDX-License-Identifier: Apache-2.0
#include "mgmt/compile/model.hpp"

#include <gmock/gmock.h>

#include "tests/mgmt/compile/model_fixture.hpp"

namespace headgate::compile {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> names_of(const std::vector<const Entry*>& entries) {
  std::vector<std::string> names;
  for (const auto* entry : entries) names.push_back(entry->key.to_string());
  return names;
}

TEST(Model, NamesReferrersOfOneKind) {
  Model model;
  const auto space = global(Kind::kNamespace, "a");
  put(model, space, "{}");
  EXPECT_THAT(model.referrers(space, Kind::kRoute), IsEmpty());
  put(model, pool_key("a", "p"), pool_body());
  for (const auto* name : {"r2", "r1"}) put(model, route_key("a", name), route_body("\"web\"", "p"));
  put(model, {Kind::kPolicy, "a", "y"}, R"({"rate_limit":{"requests":1}})");
  put(model, route_key("b", "other"), route_body("\"web\"", "p"));
  EXPECT_THAT(names_of(model.referrers(space, Kind::kRoute)), ElementsAre("route a/r1", "route a/r2"));
  EXPECT_THAT(names_of(model.referrers(space, Kind::kPolicy)), ElementsAre("policy a/y"));
  EXPECT_THAT(model.referrers(space, Kind::kShard), IsEmpty());
  EXPECT_THAT(names_of(model.referrers(pool_key("a", "p"), Kind::kRoute)),
              ElementsAre("route a/r1", "route a/r2"));
  model.remove(route_key("a", "r1"));
  EXPECT_THAT(names_of(model.referrers(space, Kind::kRoute)), ElementsAre("route a/r2"));
}

}  // namespace
}  // namespace headgate::compile
