// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/result.hpp"

#include <cerrno>
#include <memory>

#include <gtest/gtest.h>

namespace headgate {
namespace {

Result<std::unique_ptr<int>> make(bool works) {
  if (!works) return Error{ErrorCode::kExhausted, "no more"};
  return std::make_unique<int>(7);
}

TEST(Result, HoldsAValueOrAnError) {
  auto made = make(true);
  ASSERT_TRUE(made.ok());
  const std::unique_ptr<int> owned = std::move(*made);
  EXPECT_EQ(*owned, 7);
  EXPECT_EQ(make(false).error().message, "no more");
}

TEST(Result, SystemErrorsKeepTheirReasonAndGetACode) {
  const auto error = system_error(EADDRINUSE, "binding 127.0.0.1:80");
  EXPECT_EQ(error.code, ErrorCode::kConflict);
  EXPECT_EQ(error.message, "binding 127.0.0.1:80: Address already in use");
  EXPECT_EQ(system_error(EPERM, "x").code, ErrorCode::kPermission);
  EXPECT_EQ(system_error(ENOSPC, "x").code, ErrorCode::kExhausted);
}

TEST(ResultDeathTest, TheWrongSideIsABugOfOurs) {
  EXPECT_DEATH((void)make(false).value(), "assertion failed");
}

}  // namespace
}  // namespace headgate
