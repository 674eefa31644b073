// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/secret_store.hpp"

#include <gtest/gtest.h>

#include "dataplane/tls/digest.hpp"

namespace headgate::shard {
namespace {

contract::Secret secret(const std::string& bytes) { return {tls::sha256_hex(bytes), bytes}; }

TEST(SecretStore, HoldsWhatItsDigestSays) {
  SecretStore store;
  auto good = secret("key");
  const std::string digest = good.digest;
  EXPECT_TRUE(store.add(good).ok());
  EXPECT_EQ(store.find(digest), "key");
  auto bad = secret("key");
  bad.bytes = "other";
  EXPECT_EQ(store.add(bad).error().code, ErrorCode::kInvalid);
  EXPECT_TRUE(bad.bytes.empty());
  EXPECT_EQ(store.find("nothing"), "");
}

TEST(SecretStore, ASecretWaitsForTheSnapshotThatNamesItAndGoesWithTheLast) {
  SecretStore store;
  auto one = secret("one");
  auto two = secret("two");
  const std::string first = one.digest;
  const std::string second = two.digest;
  ASSERT_TRUE(store.add(one).ok() && store.add(two).ok());
  store.forget_all_but({first});
  EXPECT_EQ(store.find(second), "two") << "it came ahead of its snapshot";
  store.forget_all_but({second});
  EXPECT_EQ(store.find(first), "");
  EXPECT_EQ(store.find(second), "two");
  store.forget_all_but({});
  EXPECT_EQ(store.find(second), "");
}

}  // namespace
}  // namespace headgate::shard
