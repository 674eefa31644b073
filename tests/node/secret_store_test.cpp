// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/secret_store.hpp"

#include <fstream>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "dataplane/tls/digest.hpp"
#include "tests/node/temporary_directory.hpp"

namespace headgate::node {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

contract::Secret secret(const std::string& bytes) { return {tls::sha256_hex(bytes), bytes}; }

class SecretStoreTest : public testing::Test {
 protected:
  SecretStore opened() {
    SecretStore store(directory_.path());
    EXPECT_TRUE(store.open().ok());
    return store;
  }
  std::filesystem::path file_of(const contract::Secret& of) const {
    return directory_.path() / "secrets" / of.digest;
  }

  const contract::Secret a_ = secret("a"), b_ = secret("b");
  TemporaryDirectory directory_;
};

TEST_F(SecretStoreTest, FindsAfterARestartWhatItTook) {
  EXPECT_TRUE(opened().add({{a_, b_}}).stored.ok());
  const auto store = opened();
  EXPECT_THAT(store.find({a_.digest, b_.digest, "c"}).secrets, testing::UnorderedElementsAre(a_, b_));
  EXPECT_THAT(store.missing({a_.digest, "c"}), ElementsAre("c"));
  struct stat about {};
  ASSERT_EQ(::stat(file_of(a_).c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
}

TEST_F(SecretStoreTest, TakesNothingThatIsNotWhatItsDigestSays) {
  auto store = opened();
  EXPECT_THAT(store.add({{{a_.digest, "b"}, {"../../escape", "x"}, b_}}).digests, ElementsAre(b_.digest));
  EXPECT_THAT(store.missing({a_.digest}), ElementsAre(a_.digest));
}

TEST_F(SecretStoreTest, ForgetsWhatNothingNames) {
  auto store = opened();
  (void)store.add({{a_, b_}});
  store.forget_all_but({b_.digest});
  EXPECT_THAT(store.missing({a_.digest, b_.digest}), ElementsAre(a_.digest));
  EXPECT_FALSE(std::filesystem::exists(file_of(a_)));
  EXPECT_THAT(opened().missing({a_.digest, b_.digest}), ElementsAre(a_.digest));
}

TEST_F(SecretStoreTest, RemovesWhatDoesNotOpen) {
  (void)opened().add({{a_, b_}});
  std::filesystem::rename(file_of(a_), file_of(b_));  // sealed for another place
  std::ofstream(directory_.path() / "secrets" / "half.new") << "torn";
  EXPECT_THAT(opened().missing({a_.digest, b_.digest}), testing::SizeIs(2));
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path() / "secrets"));
}

TEST_F(SecretStoreTest, GoesOnInMemoryWhereTheDiskTakesNothing) {
  (void)opened();
  ASSERT_EQ(::chmod((directory_.path() / "secrets.key").c_str(), 0644), 0);
  SecretStore store(directory_.path());
  EXPECT_FALSE(store.open().ok());
  const auto added = store.add({{a_}});
  EXPECT_FALSE(added.stored.ok());
  EXPECT_THAT(added.digests, ElementsAre(a_.digest));
  EXPECT_THAT(store.missing({a_.digest}), IsEmpty());
}

}  // namespace
}  // namespace headgate::node
