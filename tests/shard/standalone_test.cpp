// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/standalone.hpp"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "dataplane/contract/codec.hpp"
#include "dataplane/tls/digest.hpp"

namespace headgate::shard {
namespace {

class SecretsFileTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::temp_directory_path() / ("headgate-secrets-" + std::to_string(::getpid()));
    std::ofstream(path_) << contract::encode(contract::Secrets{{{tls::sha256_hex("key"), "key"}}});
  }
  void TearDown() override { std::filesystem::remove(path_); }

  std::string path_;
};

TEST_F(SecretsFileTest, IsReadWhereItsOwnerAloneCanReadIt) {
  ::chmod(path_.c_str(), 0600);
  const auto secrets = read_secrets(path_);
  ASSERT_TRUE(secrets.ok()) << secrets.error().message;
  EXPECT_EQ(secrets->secrets.at(0).bytes, "key");
}

TEST_F(SecretsFileTest, IsRefusedWhereOthersCan) {
  for (const mode_t mode : {0640, 0604, 0660}) {
    ::chmod(path_.c_str(), mode);
    EXPECT_EQ(read_secrets(path_).error().code, ErrorCode::kPermission) << mode;
  }
}

TEST_F(SecretsFileTest, TheErrorNamesTheFileAndNotWhatStandsInIt) {
  std::ofstream(path_) << "{\"secrets\": \"hunter2\"}";
  ::chmod(path_.c_str(), 0600);
  const auto secrets = read_secrets(path_);
  ASSERT_FALSE(secrets.ok());
  EXPECT_THAT(secrets.error().message, testing::HasSubstr(path_));
  EXPECT_THAT(secrets.error().message, testing::Not(testing::HasSubstr("hunter2")));
}

}  // namespace
}  // namespace headgate::shard
