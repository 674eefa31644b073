// SPDX-License-Identifier: Apache-2.0
#include "mgmt/auth/principal.hpp"

#include <gtest/gtest.h>

namespace headgate::auth {
namespace {

struct Row {
  const char* description;
  Access access;
  const char* scope;
  // admin, operator, viewer, editor of "a", node "n1"
  bool allowed[5];
};

TEST(Principal, MayDoWhatTheTableSays) {
  const Principal principals[5] = {{false, "t", db::Role::kAdmin, {}},
                                   {false, "t", db::Role::kOperator, {}},
                                   {false, "t", db::Role::kViewer, {}},
                                   {false, "t", db::Role::kEditor, {"a"}},
                                   {true, "n1", db::Role::kViewer, {}}};
  const Row rows[] = {
      {"health", Access::kAnyone, "", {true, true, true, true, true}},
      {"to read what is nobody's own", Access::kRead, "", {true, true, true, true, false}},
      {"to read everything", Access::kReadAll, "", {true, true, true, false, false}},
      {"to read its namespace", Access::kReadNamespace, "a", {true, true, true, true, false}},
      {"to read another namespace", Access::kReadNamespace, "b", {true, true, true, false, false}},
      {"to write its namespace", Access::kWriteNamespace, "a", {true, true, false, true, false}},
      {"to write another namespace", Access::kWriteNamespace, "b", {true, true, false, false, false}},
      {"to write everything", Access::kWriteEverything, "", {true, true, false, false, false}},
      {"to write what happens to be called like its namespace",
       Access::kWriteEverything,
       "a",
       {true, true, false, false, false}},
      {"tokens", Access::kAdminister, "", {true, false, false, false, false}},
      {"a node's calls", Access::kNode, "n1", {false, false, false, false, true}},
      {"another node's calls", Access::kNode, "n2", {false, false, false, false, false}},
  };
  for (const auto& row : rows)
    for (int i = 0; i < 5; ++i)
      EXPECT_EQ(is_allowed(principals[i], row.access, row.scope), row.allowed[i])
          << row.description << ", " << i;
}

TEST(Principal, IsNamedInTheAuditByWhatItIs) {
  EXPECT_EQ((Principal{false, "ci", db::Role::kAdmin, {}}).author(), "token/ci");
  EXPECT_EQ((Principal{true, "n1", db::Role::kViewer, {}}).author(), "node/n1");
}

}  // namespace
}  // namespace headgate::auth
