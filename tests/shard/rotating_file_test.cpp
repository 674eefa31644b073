// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/rotating_file.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <unistd.h>

namespace headgate::shard {
namespace {

class RotatingFileTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::temp_directory_path() / ("headgate-rotate-" + std::to_string(::getpid()));
    std::filesystem::create_directories(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string content(const std::string& name) {
    std::ifstream file(directory_ / name);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  std::filesystem::path directory_;
};

TEST_F(RotatingFileTest, KeepsTheNewestFilesAndWholeLines) {
  RotatingFile file(directory_ / "log");
  for (const char* line : {"aaaa\n", "bbbb\n", "cccc\n", "dddd\n", "eeee\n", "ffff\n", "gggg\n"})
    ASSERT_TRUE(file.write(line, 10, 3).ok());
  EXPECT_EQ(content("log"), "gggg\n");
  EXPECT_EQ(content("log.1"), "eeee\nffff\n");
  EXPECT_EQ(content("log.2"), "cccc\ndddd\n");
  EXPECT_FALSE(std::filesystem::exists(directory_ / "log.3"));
}

TEST_F(RotatingFileTest, GoesOnWhereAnEarlierProcessEnded) {
  { ASSERT_TRUE(RotatingFile(directory_ / "log").write("aaaa\n", 10, 2).ok()); }
  RotatingFile file(directory_ / "log");
  ASSERT_TRUE(file.write("bbbb\n", 10, 2).ok());
  ASSERT_TRUE(file.write("cccc\n", 10, 2).ok());
  EXPECT_EQ(content("log.1"), "aaaa\nbbbb\n");
  EXPECT_EQ(content("log"), "cccc\n");
}

TEST_F(RotatingFileTest, AFileThatCannotBeWrittenIsSaidSoAndTriedAgain) {
  const auto missing = directory_ / "missing";
  RotatingFile file(missing / "log");
  EXPECT_FALSE(file.write("lost\n", 10, 2).ok());
  std::filesystem::create_directories(missing);
  EXPECT_TRUE(file.write("kept\n", 10, 2).ok());
  EXPECT_EQ(content("missing/log"), "kept\n");
}

}  // namespace
}  // namespace headgate::shard
