// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/path_table.hpp"

#include <random>

#include <gtest/gtest.h>

#include "dataplane/l7/compiled_route.hpp"

namespace headgate::l7 {
namespace {

using contract::PathMatchType;

// Routes of one match each, as compile_route() leaves them; few paths and methods, so that many meet.
class PathTableTest : public testing::Test {
 protected:
  HeldMatch held(PathMatchType type, const std::string& path, const std::string& method = "") {
    auto plan = std::make_shared<RoutePlan>();
    plan->created_at_ms = static_cast<int64_t>(random_() % 3);
    plan->name = PlanName("team", "r" + std::to_string(made_++), "");
    auto route = std::make_shared<CompiledRoute>();
    CompiledMatch match;
    match.path_type = type;
    match.path = path;
    match.plan = std::move(plan);
    auto& conditions = match.boxed_conditions.emplace();
    conditions.method = method;
    if (type == PathMatchType::kRegex) conditions.expression = expressions_.get(path + "/[a-z]+");
    route->matches.push_back(std::move(match));
    return {&route->matches[0], route};
  }
  HeldMatch any() {
    static const char* const kPaths[] = {"", "/a", "/a/b", "/a/b/c", "/ab", "/b"};
    static const char* const kMethods[] = {"", "GET", "PUT"};
    return held(static_cast<PathMatchType>(random_() % 3), kPaths[random_() % 6], kMethods[random_() % 3]);
  }
  static PathTable with(const PathTable& table, const HeldMatch& change) {
    return table.with(std::vector<PathTable::Change>{change});
  }
  static const CompiledMatch* match(const auto& table, std::string_view path,
                                    std::string_view method = "GET") {
    RequestHead request;
    request.path = path;
    request.method_text = method;
    return table.match(request);
  }

  Expressions expressions_;
  std::mt19937 random_{1};
  unsigned made_ = 0;
};

TEST_F(PathTableTest, TheMoreSpecificPathWins) {
  const auto prefix = held(PathMatchType::kPrefix, "/a");
  const auto longer = held(PathMatchType::kPrefix, "/a/b");
  const auto exact = held(PathMatchType::kExact, "/a/b");
  const auto expression = held(PathMatchType::kRegex, "/a");
  const PathTable table = PathTable{}.with({expression, prefix, exact, longer});
  EXPECT_EQ(match(table, "/a/b"), exact.match);
  EXPECT_EQ(match(table, "/a/b/c"), longer.match);
  EXPECT_EQ(match(table, "/a/x"), prefix.match) << "an expression comes after every prefix";
  EXPECT_EQ(match(table, "/ab"), nullptr) << "elements count";
  EXPECT_EQ(match(table, "*"), nullptr);
}

TEST_F(PathTableTest, WhatGoesLeavesTheOthers) {
  const auto prefix = held(PathMatchType::kPrefix, "/a");
  const auto exact = held(PathMatchType::kExact, "/a");
  const PathTable both = PathTable{}.with({prefix, exact});
  const PathTable one = with(both, {exact.match, nullptr});
  EXPECT_EQ(match(one, "/a"), prefix.match);
  EXPECT_EQ(match(both, "/a"), exact.match) << "the table before stays as it was";
  EXPECT_TRUE(with(one, {prefix.match, nullptr}).empty());
}

// Few or many, grown or shrunk: what is found is what one index of all finds.
TEST_F(PathTableTest, AListAndAnIndexFindTheSame) {
  static const char* const kAsked[] = {"/", "/a", "/a/", "/a/b", "/a/b/c", "/a/b/c/d", "/ab", "/b/x", "/c"};
  std::vector<HeldMatch> all;
  PathTable table;
  for (int turn = 0; turn < 3000; ++turn) {
    // Up and down across the bound.
    const bool grows = all.empty() || (all.size() < 20 && random_() % 20 >= (turn / 100 % 2 == 0 ? 7u : 13u));
    if (grows) {
      all.push_back(any());
      table = with(table, all.back());
    } else {
      const std::size_t gone = random_() % all.size();
      table = with(table, {all[gone].match, nullptr});
      all.erase(all.begin() + static_cast<std::ptrdiff_t>(gone));
    }
    const PathIndex index = PathIndex{}.with(all);
    ASSERT_EQ(table.empty(), all.empty());
    for (const char* path : kAsked)
      for (const char* method : {"GET", "PUT", "DELETE"})
        ASSERT_EQ(match(table, path, method), match(index, path, method)) << method << " " << path;
    std::size_t held = 0;
    table.for_each([&](const CompiledMatch&) { ++held; });
    ASSERT_EQ(held, all.size());
  }
}

}  // namespace
}  // namespace headgate::l7
