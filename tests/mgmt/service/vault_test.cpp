// SPDX-License-Identifier: Apache-2.0
#include "mgmt/service/vault.hpp"

#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/durable_file.hpp"
#include "dataplane/tls/digest.hpp"

namespace headgate::service {
namespace {

using testing::HasSubstr;

class VaultTest : public testing::Test {
 protected:
  VaultTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "headgate-vault-XXXXXX").string();
    HG_ASSERT(::mkdtemp(pattern.data()) != nullptr);
    directory_ = pattern;
    auto store = db::Store::open(directory_ / "db");
    HG_ASSERT(store.ok());
    store_ = std::make_unique<db::Store>(std::move(*store));
  }
  ~VaultTest() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }
  Result<Vault> open() { return Vault::open(*store_, directory_ / "key"); }
  Vault opened() {
    auto vault = open();
    HG_ASSERT(vault.ok());
    return *std::move(vault);
  }
  static contract::Secret secret(const std::string& bytes) { return {tls::sha256_hex(bytes), bytes}; }
  void store(const Vault& vault, const contract::Secret& secret) {
    ASSERT_TRUE(store_->put_cluster_secret("test", vault.seal(secret)).ok());
  }
  Result<std::optional<contract::Secret>> find(const Vault& vault, const std::string& digest) {
    auto reader = store_->reader();
    HG_ASSERT(reader.ok());
    return vault.find(*reader, digest);
  }

  std::filesystem::path directory_;
  std::unique_ptr<db::Store> store_;
};

TEST_F(VaultTest, FindsWhatItSealed) {
  const auto key = secret("a private key");
  store(opened(), key);
  EXPECT_EQ(*find(opened(), key.digest), key);
  EXPECT_EQ(*find(opened(), std::string(64, '0')), std::nullopt);
}

TEST_F(VaultTest, MakesTheTicketSecretOnce) {
  const auto digest = opened().ticket_secret();
  EXPECT_EQ(digest.size(), 64u);
  EXPECT_EQ(opened().ticket_secret(), digest);
  const auto found = find(opened(), digest);
  ASSERT_TRUE(found.ok() && *found);
  EXPECT_EQ(tls::sha256_hex((*found)->bytes), digest);
}

TEST_F(VaultTest, MakesNoNewKeyWhereSecretsWaitForTheOld) {
  (void)opened();
  std::filesystem::rename(directory_ / "key", directory_ / "elsewhere");
  const auto refused = open();
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr((directory_ / "key").string()));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "key"));
  std::filesystem::rename(directory_ / "elsewhere", directory_ / "key");
  EXPECT_TRUE(open().ok());
}

TEST_F(VaultTest, GoesOnWithANewKeyThatAnOperatorMade) {
  const auto key = secret("a private key");
  const auto before = opened().ticket_secret();
  store(opened(), key);
  ASSERT_TRUE(write_file_durably(directory_ / "key", std::string(64, 'e') + "\n", 0600).ok());
  const auto vault = opened();
  EXPECT_NE(vault.ticket_secret(), before);
  EXPECT_EQ(find(vault, key.digest).error().code, ErrorCode::kInvalid);
  store(vault, key);  // put again
  EXPECT_EQ(*find(vault, key.digest), key);
}

TEST_F(VaultTest, OpensNothingThatWasMovedToAnothersPlace) {
  const auto vault = opened();
  const auto key = secret("a private key"), other = secret("another");
  store(vault, key);
  ASSERT_TRUE(store_->put_cluster_secret("moved", {other.digest, vault.seal(key).sealed}).ok());
  EXPECT_FALSE(find(vault, other.digest).ok());
}

TEST_F(VaultTest, PrefersSystemdsCredential) {
  ASSERT_TRUE(write_file_durably(directory_ / "headgate-secrets-key", std::string(64, 'c'), 0600).ok());
  ::setenv("CREDENTIALS_DIRECTORY", directory_.c_str(), 1);
  const auto digest = opened().ticket_secret();
  EXPECT_EQ(opened().ticket_secret(), digest);
  EXPECT_FALSE(std::filesystem::exists(directory_ / "key"));
  ::unsetenv("CREDENTIALS_DIRECTORY");
  EXPECT_FALSE(open().ok());
}

}  // namespace
}  // namespace headgate::service
