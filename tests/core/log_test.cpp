// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/log.hpp"

#include <gtest/gtest.h>

namespace headgate {
namespace {

TEST(Log, OneLineAThingAndNoForgedLines) {
  log::start("test", log::Level::kInfo);
  testing::internal::CaptureStderr();
  log::warning("a\nb\x1b[31mc");
  log::debug("not shown");
  const auto text = testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("warning test: a?b?[31mc\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("not shown"), std::string::npos);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

}  // namespace
}  // namespace headgate
