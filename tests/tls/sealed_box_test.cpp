// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/sealed_box.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/durable_file.hpp"

namespace headgate::tls {
namespace {

using testing::HasSubstr;
using testing::Not;

class SealedBoxTest : public testing::Test {
 protected:
  SealedBoxTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "headgate-box-XXXXXX").string();
    HG_ASSERT(::mkdtemp(pattern.data()) != nullptr);
    directory_ = pattern;
  }
  ~SealedBoxTest() override {
    ::unsetenv("CREDENTIALS_DIRECTORY");
    std::filesystem::remove_all(directory_);
  }
  std::string file(const std::string& name) const { return directory_ / name; }
  SealedBox box(const std::string& name = "key") const {
    auto made = SealedBox::load_or_make(file(name));
    HG_ASSERT(made.ok());
    return *std::move(made);
  }

  std::filesystem::path directory_;
};

TEST_F(SealedBoxTest, OpensWhatItSealed) {
  for (const std::string& bytes : {std::string(), std::string("k"), std::string(100'000, '\0')}) {
    const auto opened = box().unseal(box().seal(bytes, "context"), "context");
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(*opened, bytes);
  }
}

TEST_F(SealedBoxTest, SealsNothingTwiceAlikeAndShowsNothing) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const auto sealed = box().seal("a very private key", "context");
    EXPECT_THAT(sealed, Not(HasSubstr("private")));
    EXPECT_TRUE(seen.insert(sealed).second);
  }
}

TEST_F(SealedBoxTest, RefusesEveryChangedByteAndEveryLength) {
  const auto sealed = box().seal("a very private key", "context");
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    auto changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(box().unseal(changed, "context").ok()) << i;
    EXPECT_FALSE(box().unseal(sealed.substr(0, i), "context").ok()) << i;
  }
  EXPECT_FALSE(box().unseal(sealed + "x", "context").ok());
}

TEST_F(SealedBoxTest, RefusesAnotherKeyAndAnotherContext) {
  const auto sealed = box().seal("a very private key", "context");
  EXPECT_FALSE(box("other").unseal(sealed, "context").ok());
  EXPECT_FALSE(box().unseal(sealed, "contexT").ok());
  EXPECT_FALSE(box().unseal(sealed, "").ok());
}

TEST_F(SealedBoxTest, MakesItsKeyOnceForItsOwnerAlone) {
  const auto sealed = box().seal("x", "");
  struct stat about {};
  ASSERT_EQ(::stat(file("key").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 07777, 0600u);
  EXPECT_EQ(read_file(file("key"))->size(), 65u);
  EXPECT_TRUE(box().unseal(sealed, "").ok());
}

TEST_F(SealedBoxTest, RefusesAKeyThatOthersCanRead) {
  (void)box();
  for (const unsigned mode : {0640u, 0604u, 0620u}) {
    ASSERT_EQ(::chmod(file("key").c_str(), mode), 0);
    const auto refused = SealedBox::load_or_make(file("key"));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kPermission);
    EXPECT_THAT(refused.error().message, HasSubstr("chmod 600"));
  }
}

TEST_F(SealedBoxTest, RefusesWhatIsNoKeyWithoutShowingIt) {
  for (const auto* text : {"", "secret-words", "0123", "zz0123456789abcdef"}) {
    ASSERT_TRUE(write_file_durably(file("bad"), text, 0600).ok());
    const auto refused = SealedBox::load(file("bad"));
    ASSERT_FALSE(refused.ok());
    EXPECT_THAT(refused.error().message, Not(HasSubstr("secret")));
    EXPECT_THAT(refused.error().message, Not(HasSubstr("0123")));
  }
  EXPECT_EQ(SealedBox::load(file("gone")).error().code, ErrorCode::kNotFound);
}

TEST_F(SealedBoxTest, TakesACredentialOfSystemd) {
  EXPECT_FALSE(SealedBox::load_credential("secrets-key"));
  ::setenv("CREDENTIALS_DIRECTORY", directory_.c_str(), 1);
  EXPECT_FALSE(SealedBox::load_credential("secrets-key"));
  const auto sealed = box().seal("x", "");
  std::filesystem::rename(file("key"), file("secrets-key"));
  ASSERT_EQ(::chmod(file("secrets-key").c_str(), 0440), 0);  // as systemd's access lists show
  const auto loaded = SealedBox::load_credential("secrets-key");
  ASSERT_TRUE(loaded && loaded->ok());
  EXPECT_TRUE((*loaded)->unseal(sealed, "").ok());
}

TEST_F(SealedBoxTest, KeyedDigestsDependOnBytesAndKey) {
  EXPECT_EQ(box().keyed_digest("a"), box().keyed_digest("a"));
  EXPECT_NE(box().keyed_digest("a"), box().keyed_digest("b"));
  EXPECT_NE(box().keyed_digest("a"), box("other").keyed_digest("a"));
}

}  // namespace
}  // namespace headgate::tls
