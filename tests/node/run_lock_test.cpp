// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/run_lock.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/node/temporary_directory.hpp"

namespace headgate::node {
namespace {

TEST(RunLock, IsHeldOnceAndNamesItsHolder) {
  const TemporaryDirectory directory;
  {
    const auto held = RunLock::take(directory.path());
    ASSERT_TRUE(held.ok());
    const auto second = RunLock::take(directory.path());
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, ErrorCode::kConflict);
    EXPECT_NE(second.error().message.find("(pid " + std::to_string(::getpid()) + ")"), std::string::npos);
  }
  EXPECT_TRUE(RunLock::take(directory.path()).ok());
}

}  // namespace
}  // namespace headgate::node
