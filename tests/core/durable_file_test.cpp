// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/durable_file.hpp"

#include <cstdlib>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/core/assert.hpp"

namespace headgate {
namespace {

class DurableFile : public testing::Test {
 protected:
  DurableFile() {
    std::string pattern = (std::filesystem::temp_directory_path() / "headgate-file-XXXXXX").string();
    HG_ASSERT(::mkdtemp(pattern.data()) != nullptr);
    directory_ = pattern;
  }
  ~DurableFile() override { std::filesystem::remove_all(directory_); }

  std::filesystem::path directory_;
};

TEST_F(DurableFile, IsReadAsItWasWritten) {
  const std::string bytes(3u << 20, 'x');
  ASSERT_TRUE(write_file_durably(directory_ / "a", bytes, 0600).ok());
  EXPECT_EQ(*read_file(directory_ / "a"), bytes);
  ASSERT_TRUE(write_file_durably(directory_ / "a", "", 0600).ok());
  EXPECT_EQ(*read_file(directory_ / "a"), "");
  EXPECT_EQ(read_file(directory_ / "b").error().code, ErrorCode::kNotFound);
}

TEST_F(DurableFile, HasTheModeWhateverTheUmask) {
  const auto before = ::umask(0);
  ASSERT_TRUE(write_file_durably(directory_ / "a", "x", 0600).ok());
  ::umask(before);
  struct stat about {};
  ASSERT_EQ(::stat((directory_ / "a").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 07777, 0600u);
}

TEST_F(DurableFile, IsNotWrittenThroughALinkThatWaitsForIt) {
  ASSERT_TRUE(write_file_durably(directory_ / "victim", "safe", 0644).ok());
  ASSERT_EQ(::symlink("victim", (directory_ / "a.new").c_str()), 0);
  ASSERT_TRUE(write_file_durably(directory_ / "a", "private", 0600).ok());
  EXPECT_EQ(*read_file(directory_ / "victim"), "safe");
  EXPECT_EQ(*read_file(directory_ / "a"), "private");
}

TEST_F(DurableFile, LeavesTheOldOneWhereItFails) {
  ASSERT_TRUE(write_file_durably(directory_ / "a", "old", 0600).ok());
  ASSERT_TRUE(std::filesystem::create_directory(directory_ / "a.new"));
  ASSERT_TRUE(write_file_durably(directory_ / "a.new" / "x", "", 0600).ok());
  EXPECT_FALSE(write_file_durably(directory_ / "a", "new", 0600).ok());
  EXPECT_EQ(*read_file(directory_ / "a"), "old");
}

}  // namespace
}  // namespace headgate
