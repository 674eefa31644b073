// SPDX-License-Identifier: Apache-2.0
#include "mgmt/front/authority.hpp"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/clock.hpp"
#include "dataplane/core/durable_file.hpp"

namespace headgate::front {
namespace {

class AuthorityTest : public testing::Test {
 protected:
  AuthorityTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "headgate-authority-XXXXXX").string();
    HG_ASSERT(::mkdtemp(pattern.data()) != nullptr);
    directory_ = pattern;
  }
  ~AuthorityTest() override { std::filesystem::remove_all(directory_); }

  // As at a start of headgated: everything opened anew.
  Result<tls::CertificateAuthority> started(bool anew = false) const {
    auto store = db::Store::open(directory_ / "db");
    HG_ASSERT(store.ok());
    auto vault = service::Vault::open(*store, directory_ / "key");
    HG_ASSERT(vault.ok());
    return ensure_authority(*store, *vault, unix_time_ms(), anew);
  }

  std::filesystem::path directory_;
};

TEST_F(AuthorityTest, IsMadeOnceAndSurvivesARestart) {
  const auto first = started();
  ASSERT_TRUE(first.ok()) << first.error().message;
  const auto again = started();
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->certificate(), first->certificate());
  EXPECT_EQ(again->private_key(), first->private_key());
}

TEST_F(AuthorityTest, ItsKeyStandsSealedInTheDatabase) {
  const auto authority = started();
  ASSERT_TRUE(authority.ok());
  std::string stored;
  for (const auto& file : std::filesystem::directory_iterator(directory_)) {
    std::ifstream stream(file.path(), std::ios::binary);
    stored.append(std::istreambuf_iterator<char>(stream), {});
  }
  EXPECT_GT(stored.size(), 4096u);
  EXPECT_EQ(stored.find("PRIVATE KEY"), std::string::npos);
  const auto second_line = authority->private_key().substr(96, 40);  // the first is the same in every key
  EXPECT_EQ(stored.find(second_line), std::string::npos);
}

TEST_F(AuthorityTest, AnotherSealingKeyReplacesItOnlyWhereThatIsAskedFor) {
  const auto first = started();
  ASSERT_TRUE(first.ok());
  const auto right_key = *read_file(directory_ / "key");
  ASSERT_TRUE(write_file_durably(directory_ / "key", std::string(64, 'e') + "\n", 0600).ok());
  const auto refused = started();
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, testing::HasSubstr("--front-new-authority"));
  ASSERT_TRUE(write_file_durably(directory_ / "key", right_key, 0600).ok());
  EXPECT_EQ(started()->facts().fingerprint, first->facts().fingerprint) << "nothing was lost";

  ASSERT_TRUE(write_file_durably(directory_ / "key", std::string(64, 'e') + "\n", 0600).ok());
  const auto other = started(true);
  ASSERT_TRUE(other.ok()) << other.error().message;
  EXPECT_NE(other->facts().fingerprint, first->facts().fingerprint);
  EXPECT_EQ(started()->facts().fingerprint, other->facts().fingerprint);
  EXPECT_EQ(started(true)->facts().fingerprint, other->facts().fingerprint) << "what this key opens stays";
}

}  // namespace
}  // namespace headgate::front
