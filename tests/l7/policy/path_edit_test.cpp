// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/policy/path_edit.hpp"

#include <gtest/gtest.h>

namespace headgate::l7::policy {
namespace {

using contract::PathEditType;

struct PathEditCase {
  std::string_view path;
  std::string_view matched;  // without its final "/", as tables hold a prefix
  std::string replacement;
  std::string_view result;
};

TEST(PathEdit, ReplacesAPrefixAsTheGatewayApiSays) {
  // The table of the Gateway API's HTTPPathModifier, then what it leaves open.
  const PathEditCase cases[]{
      {"/foo/bar", "/foo", "/xyz", "/xyz/bar"},
      {"/foo/bar", "/foo", "/xyz/", "/xyz/bar"},
      {"/foo", "/foo", "/xyz", "/xyz"},
      {"/foo/", "/foo", "/xyz", "/xyz/"},
      {"/foo/bar", "/foo", "", "/bar"},
      {"/foo/", "/foo", "", "/"},
      {"/foo", "/foo", "", "/"},
      {"/foo/", "/foo", "/", "/"},
      {"/foo", "/foo", "/", "/"},
      {"/foo", "/foo", "/xyz/", "/xyz/"},
      {"/foo/bar", "", "/xyz", "/xyz/foo/bar"},
      {"/", "", "/xyz", "/xyz/"},
      {"/foobar", "/foo", "/xyz", "/foobar"},
      {"/other", "/foo", "/xyz", "/other"},
  };
  for (const auto& each : cases) {
    Arena arena;
    EXPECT_EQ(edited_path({PathEditType::kPrefix, each.replacement}, each.path, each.matched, arena),
              each.result)
        << each.path << " " << each.matched << " " << each.replacement;
  }
}

TEST(PathEdit, ReplacesAllOrNothing) {
  Arena arena;
  EXPECT_EQ(edited_path({PathEditType::kFull, "/xyz"}, "/foo/bar", "/foo", arena), "/xyz");
  EXPECT_EQ(edited_path({PathEditType::kFull, "/xyz"}, "/foo/bar", std::nullopt, arena), "/xyz");
  EXPECT_EQ(edited_path({PathEditType::kPrefix, "/xyz"}, "/foo/bar", std::nullopt, arena), "/foo/bar");
}

}  // namespace
}  // namespace headgate::l7::policy
