// SPDX-License-Identifier: Apache-2.0
#include "db/store/sealed_secret.hpp"

#include <gtest/gtest.h>

#include "db/sqlite/database.hpp"
#include "tests/db/store/store_fixture.hpp"

namespace headgate::db {
namespace {

const std::string kDigest(64, 'a');
const std::string kOther(64, 'b');
const std::string kBytes("\0sealed\0bytes\xff", 14);

class SealedSecretTest : public StoreFixture {
 protected:
  WriteResult write_secret(const std::string& name, const std::string& body, const std::string& digest,
                           std::vector<SealedSecret> secrets, bool dry_run = false) {
    Write write;
    write.changes = {put(shard(name), body)};
    write.changes[0].secret = digest;
    write.secrets = std::move(secrets);
    write.dry_run = dry_run;
    return store_->write(write);
  }
  std::optional<std::string> sealed(const std::string& digest) {
    return reader().sealed_secret(digest).value();
  }
};

TEST_F(SealedSecretTest, IsStoredWithTheObjectThatNamesIt) {
  EXPECT_FALSE(*reader().has_secrets());
  ASSERT_TRUE(std::holds_alternative<Committed>(write_secret("c", "{}", kDigest, {{kDigest, kBytes}})));
  EXPECT_EQ(sealed(kDigest), kBytes);
  EXPECT_EQ(sealed(kOther), std::nullopt);
  EXPECT_TRUE(*reader().has_secrets());
  reopen();
  EXPECT_EQ(sealed(kDigest), kBytes);
}

TEST_F(SealedSecretTest, IsNotStoredByWhatIsRefusedOrOnlyTried) {
  (void)write_secret("c", "{}", kDigest, {{kDigest, kBytes}}, true);
  EXPECT_EQ(sealed(kDigest), std::nullopt);
  Write write;
  write.changes = {put(listener("l"), "{}", {{"/shard", shard("gone")}})};
  write.secrets = {{kDigest, kBytes}};
  EXPECT_TRUE(std::holds_alternative<Refused>(store_->write(write)));
  EXPECT_EQ(sealed(kDigest), std::nullopt);
}

TEST_F(SealedSecretTest, MustBeThereForABodyToNameIt) {
  EXPECT_TRUE(std::holds_alternative<Refused>(write_secret("c", "{}", kDigest, {})));
  EXPECT_FALSE(get(shard("c")));
}

TEST_F(SealedSecretTest, LivesAsLongAsARevisionNamesIt) {
  (void)write_secret("c", "{}", kDigest, {{kDigest, kBytes}});
  (void)write_secret("c", R"({"x":1})", kOther, {{kOther, "other"}});
  commit({remove(shard("c"))});
  EXPECT_EQ(sealed(kDigest), kBytes);
  close();
  sqlite::Database database(path(), sqlite::Mode::kReadWrite);
  EXPECT_THROW(database.run("DELETE FROM secrets"), sqlite::Failure);
}

TEST_F(SealedSecretTest, IsSealedAnewWhereItIsPutAgain) {
  (void)write_secret("c", "{}", kDigest, {{kDigest, kBytes}});
  const auto again = write_secret("c", "{}", kDigest, {{kDigest, "by another key"}});
  EXPECT_EQ(std::get<Committed>(again).revision, 2u);  // its body has not changed
  EXPECT_EQ(sealed(kDigest), "by another key");
}

TEST_F(SealedSecretTest, OfTheInstallationIsInNoRevision) {
  EXPECT_EQ(reader().cluster_secret("tickets").value(), std::nullopt);
  ASSERT_TRUE(store_->put_cluster_secret("tickets", {kDigest, kBytes}).ok());
  ASSERT_TRUE(store_->put_cluster_secret("tickets", {kOther, "new"}).ok());
  EXPECT_EQ(reader().cluster_secret("tickets").value(), kOther);
  EXPECT_EQ(sealed(kOther), "new");
  EXPECT_EQ(reader().revision(), 1u);
}

}  // namespace
}  // namespace headgate::db
