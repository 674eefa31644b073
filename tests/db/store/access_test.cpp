// SPDX-License-Identifier: Apache-2.0
#include "db/store/access.hpp"

#include <gmock/gmock.h>

#include "tests/db/store/store_fixture.hpp"

namespace headgate::db {
namespace {

class Access : public StoreFixture {
 protected:
  static std::string hash(char digit) { return std::string(64, digit); }
  static Token token(std::string name) {
    Token token;
    token.name = std::move(name);
    token.role = Role::kEditor;
    token.namespaces = {"a", "b"};
    token.expires_at_ms = 5;
    return token;
  }
};

TEST_F(Access, ATokenIsFoundByItsSecretUntilItIsRemoved) {
  const auto stored = store_->put_token("admin", token("ci"), hash('1'), {});
  ASSERT_TRUE(stored.ok()) << stored.error().message;
  EXPECT_EQ(reader().token_by_secret(hash('1')).value(), *stored);
  EXPECT_EQ(reader().token("ci").value(), *stored);
  EXPECT_FALSE(reader().token_by_secret(hash('2')).value());
  ASSERT_TRUE(store_->remove_token("admin", "ci", {}).ok());
  EXPECT_FALSE(reader().token_by_secret(hash('1')).value());
  EXPECT_EQ(store_->remove_token("admin", "ci", {}).error().code, ErrorCode::kNotFound);
}

TEST_F(Access, AChangedTokenKeepsItsSecretUnlessANewOneIsGiven) {
  ASSERT_TRUE(store_->put_token("admin", token("ci"), hash('1'), {}).ok());
  auto changed = token("ci");
  changed.role = Role::kViewer;
  changed.namespaces.clear();
  changed.expires_at_ms.reset();
  const auto stored = store_->put_token("admin", changed, {}, {});
  ASSERT_TRUE(stored.ok());
  EXPECT_EQ(stored->generation, 2u);
  EXPECT_EQ(reader().token_by_secret(hash('1')).value(), *stored);
  ASSERT_TRUE(store_->put_token("admin", changed, hash('2'), {}).ok());
  EXPECT_FALSE(reader().token_by_secret(hash('1')).value());
  EXPECT_TRUE(reader().token_by_secret(hash('2')).value());
}

TEST_F(Access, PreconditionsOfTokensHold) {
  EXPECT_EQ(store_->put_token("admin", token("ci"), {}, {}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(store_->put_token("admin", token("ci"), hash('1'), {.must_exist = true}).error().code,
            ErrorCode::kNotFound);
  ASSERT_TRUE(store_->put_token("admin", token("ci"), hash('1'), {.must_not_exist = true}).ok());
  EXPECT_EQ(store_->put_token("admin", token("ci"), hash('1'), {.must_not_exist = true}).error().code,
            ErrorCode::kConflict);
  EXPECT_EQ(store_->remove_token("admin", "ci", {.revision = 2}).error().code, ErrorCode::kConflict);
  EXPECT_TRUE(store_->remove_token("admin", "ci", {.revision = 1}).ok());
}

TEST_F(Access, TokensAreNoRevisionsButAudited) {
  ASSERT_TRUE(store_->put_token("admin", token("ci"), hash('1'), {}).ok());
  EXPECT_EQ(reader().revision(), 1u);
  const auto entries = reader().audit({}, 10).value();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].verb, "create");
  EXPECT_EQ(entries[0].kind, "token");
  EXPECT_FALSE(entries[0].revision);
}

TEST_F(Access, AnActionIsAuditedAndChangesNothing) {
  commit({put(node("n1"))});
  const auto revision = reader().revision();
  ASSERT_TRUE(store_->record_action("admin", "restart", Kind::kShard, "edge").ok());
  EXPECT_EQ(reader().revision(), revision);
  const auto entry = reader().audit({}, 1).value().at(0);
  EXPECT_EQ(entry.author + " " + entry.verb + " " + entry.kind + " " + entry.name,
            "admin restart shard edge");
  EXPECT_FALSE(entry.revision);
}

TEST_F(Access, AnEnrolmentWorksOnce) {
  commit({put(node("n1")), put(node("n2"))});
  ASSERT_TRUE(store_->put_enrolment("admin", "n1", hash('1'), now_ms_ + 10).ok());
  EXPECT_EQ(store_->enrol("n2", hash('1'), hash('a')).error().code, ErrorCode::kPermission);
  ASSERT_TRUE(store_->enrol("n1", hash('1'), hash('a')).ok());
  EXPECT_EQ(reader().node_by_credential(hash('a')).value(), "n1");
  EXPECT_EQ(store_->enrol("n1", hash('1'), hash('b')).error().code, ErrorCode::kPermission);
  EXPECT_FALSE(reader().node_by_credential(hash('b')).value());
}

TEST_F(Access, AnEnrolmentExpiresAndIsReplaced) {
  commit({put(node("n1"))});
  ASSERT_TRUE(store_->put_enrolment("admin", "n1", hash('1'), now_ms_ + 10).ok());
  ASSERT_TRUE(store_->put_enrolment("admin", "n1", hash('2'), now_ms_ + 10).ok());
  EXPECT_EQ(store_->enrol("n1", hash('1'), hash('a')).error().code, ErrorCode::kPermission);
  now_ms_ += 10;
  EXPECT_EQ(store_->enrol("n1", hash('2'), hash('a')).error().code, ErrorCode::kPermission);
  EXPECT_EQ(store_->put_enrolment("admin", "n9", hash('3'), 0).error().code, ErrorCode::kNotFound);
}

TEST_F(Access, CredentialsEndWithTheirNode) {
  commit({put(node("n1"))});
  ASSERT_TRUE(store_->put_enrolment("admin", "n1", hash('1'), now_ms_ + 10).ok());
  ASSERT_TRUE(store_->enrol("n1", hash('1'), hash('a')).ok());
  commit({put(node("n1"), R"({"drain":true})")});
  EXPECT_EQ(reader().node_by_credential(hash('a')).value(), "n1");
  commit({remove(node("n1"))});
  EXPECT_FALSE(reader().node_by_credential(hash('a')).value());
}

}  // namespace
}  // namespace headgate::db
