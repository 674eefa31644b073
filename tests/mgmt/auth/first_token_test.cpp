// SPDX-License-Identifier: Apache-2.0
#include "mgmt/auth/first_token.hpp"

#include <filesystem>
#include <fstream>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mgmt/auth/principal.hpp"
#include "mgmt/auth/secret.hpp"

namespace headgate::auth {
namespace {

class FirstToken : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directory(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  Result<bool> start(const std::string& database = "db") {
    auto store = db::Store::open(directory_ / database);
    if (!store.ok()) return std::move(store).error();
    return ensure_first_token(*store, path_);
  }
  std::string secret() {
    std::ifstream file(path_);
    std::string line;
    std::getline(file, line);
    return line;
  }

  const std::filesystem::path directory_ =
      std::filesystem::temp_directory_path() / ("hgmgmt-token-" + std::to_string(::getpid()));
  const std::string path_ = directory_ / "token";
};

TEST_F(FirstToken, IsForItsOwnerAloneAndAdmin) {
  ASSERT_TRUE(*start());
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".new"));
  auto store = db::Store::open(directory_ / "db");
  auto reader = store->reader();
  const auto principal = principal_of(*reader, secret(), 0);
  ASSERT_TRUE(principal.ok() && *principal);
  EXPECT_EQ((*principal)->role, db::Role::kAdmin);
  EXPECT_FALSE(*principal_of(*reader, secret() + "x", 0));
  EXPECT_FALSE(*principal_of(*reader, digest_of(secret()), 0));
}

TEST_F(FirstToken, StaysOverARestart) {
  ASSERT_TRUE(*start());
  const auto before = secret();
  EXPECT_FALSE(*start());
  EXPECT_EQ(secret(), before);
}

TEST_F(FirstToken, ReplacesTheFileOfAnotherDatabase) {
  ASSERT_TRUE(*start());
  const auto before = secret();
  ASSERT_TRUE(*start("other"));
  EXPECT_NE(secret(), before);
}

TEST_F(FirstToken, IsWrittenThroughNobodysLink) {
  std::ofstream(directory_ / "victim") << "precious";
  std::filesystem::create_symlink(directory_ / "victim", path_ + ".new");
  std::filesystem::create_symlink(directory_ / "victim", path_);
  ASSERT_TRUE(*start());
  std::ifstream victim(directory_ / "victim");
  std::string text;
  std::getline(victim, text);
  EXPECT_EQ(text, "precious");
  EXPECT_FALSE(std::filesystem::is_symlink(path_));
}

TEST_F(FirstToken, ThatCannotBeWrittenIsNotStored) {
  std::filesystem::create_directory(path_);
  const auto failed = start();
  ASSERT_FALSE(failed.ok());
  EXPECT_THAT(failed.error().message, testing::HasSubstr(path_));
  std::filesystem::remove(path_);
  EXPECT_TRUE(*start());
}

TEST(Secret, Has256BitsAndNoTwoAreAlike) {
  std::set<std::string> secrets;
  for (int i = 0; i < 1000; ++i) secrets.insert(new_secret());
  EXPECT_EQ(secrets.size(), 1000u);
  for (const auto& secret : secrets) {
    EXPECT_EQ(secret.size(), 46u);
    EXPECT_EQ(secret.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace headgate::auth
