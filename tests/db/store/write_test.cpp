// SPDX-License-Identifier: Apache-2.0
#include "db/store/write.hpp"

#include <gmock/gmock.h>

#include "tests/db/store/store_fixture.hpp"

namespace headgate::db {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class StoreWrite : public StoreFixture {};

std::vector<ViolationCode> codes(const std::vector<Violation>& violations) {
  std::vector<ViolationCode> codes;
  for (const auto& violation : violations) codes.push_back(violation.code);
  return codes;
}

TEST_F(StoreWrite, ANewDatabaseHasTheNamespaceDefault) {
  EXPECT_EQ(reader().revision(), 1u);
  const auto found = get(space("default"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->body, "{}");
}

TEST_F(StoreWrite, OneWriteIsOneRevisionWithMeta) {
  const auto committed = commit({put(shard("edge")), put(node("n1"), R"({"drain":true})")});
  EXPECT_EQ(committed.revision, 2u);
  ASSERT_EQ(committed.changed.size(), 2u);
  const auto& meta = committed.changed[1].meta;
  EXPECT_EQ(meta.uid.size(), 32u);
  EXPECT_EQ(meta.generation, 1u);
  EXPECT_EQ(meta.revision, 2u);
  EXPECT_EQ(meta.created_at_ms, now_ms_);
  EXPECT_EQ(get(node("n1")), committed.changed[1]);
}

TEST_F(StoreWrite, AnUpdateKeepsUidAndAge) {
  const auto first = commit({put(shard("edge"), "{}")}).changed[0];
  now_ms_ += 5;
  const auto second = commit({put(shard("edge"), R"({"a":1})")}).changed[0];
  EXPECT_EQ(second.meta, (ObjectMeta{first.meta.uid, 2, 3, now_ms_ - 5, now_ms_}));
}

TEST_F(StoreWrite, TheSameBodyMakesNoRevision) {
  commit({put(shard("edge"))});
  const auto again = commit({put(shard("edge"))});
  EXPECT_EQ(again.revision, 2u);
  EXPECT_THAT(again.changed, IsEmpty());
  EXPECT_EQ(reader().revision(), 2u);
}

TEST_F(StoreWrite, AnUidThatTheCallerChoseIsKept) {
  auto change = put(shard("edge"));
  change.uid = new_uid();
  EXPECT_EQ(commit({change}).changed[0].meta.uid, change.uid);
}

TEST_F(StoreWrite, AnObjectThatComesBackIsAnother) {
  const auto first = commit({put(shard("edge"))}).changed[0];
  commit({remove(shard("edge"))});
  EXPECT_FALSE(get(shard("edge")));
  const auto second = commit({put(shard("edge"))}).changed[0];
  EXPECT_NE(first.meta.uid, second.meta.uid);
  EXPECT_EQ(second.meta.generation, 1u);
}

TEST_F(StoreWrite, PreconditionsHoldOrNothingIsStored) {
  commit({put(shard("edge"))});
  auto create = put(shard("edge"), R"({"a":1})");
  create.precondition.must_not_exist = true;
  auto patch = put(shard("other"));
  patch.precondition.must_exist = true;
  auto stale = put(shard("edge"), R"({"a":1})");
  stale.precondition.revision = 1;
  EXPECT_THAT(codes(refuse({create})), ElementsAre(ViolationCode::kExists));
  EXPECT_THAT(codes(refuse({patch})), ElementsAre(ViolationCode::kNotFound));
  EXPECT_THAT(codes(refuse({stale})), ElementsAre(ViolationCode::kPrecondition));
  EXPECT_THAT(codes(refuse({create, patch})), ElementsAre(ViolationCode::kExists, ViolationCode::kNotFound));
  EXPECT_EQ(reader().revision(), 2u);
  stale.precondition.revision = 2;
  EXPECT_EQ(commit({stale}).revision, 3u);
}

TEST_F(StoreWrite, AReferenceToWhatIsMissingIsNamed) {
  const auto violations =
      refuse({put(route("app"), "{}",
                  {{"/rules/0/forward/0/pool", pool("a")}, {"/rules/0/forward/1/pool", pool("b")}}),
              put(pool("b"))});
  ASSERT_THAT(codes(violations), ElementsAre(ViolationCode::kMissingReference));
  EXPECT_EQ(violations[0].pointer, "/rules/0/forward/0/pool");
  EXPECT_EQ(violations[0].change, 0u);
  EXPECT_EQ(reader().revision(), 1u);
  EXPECT_FALSE(get(pool("b")));
}

TEST_F(StoreWrite, ReferencesAreCheckedAtTheEndOfTheWrite) {
  commit({put(route("app"), "{}", {{"/p", pool("a")}}), put(pool("a"))});
  // Both go at once; and a pool may be replaced by another under its name.
  commit({remove(pool("a")), remove(route("app"))});
  EXPECT_FALSE(get(pool("a")));
}

TEST_F(StoreWrite, WhatIsUsedStaysAndItsUsersAreNamed) {
  commit({put(pool("a")), put(route("app"), "{}", {{"/p", pool("a")}}),
          put(route("web"), "{}", {{"/p", pool("a")}})});
  const auto violations = refuse({remove(pool("a"))});
  ASSERT_THAT(codes(violations), ElementsAre(ViolationCode::kReferenced));
  EXPECT_THAT(violations[0].others, ElementsAre(route("app"), route("web")));
  ASSERT_TRUE(get(pool("a")));
  commit({put(route("app"), R"({"a":1})"), remove(route("web"))});
  commit({remove(pool("a"))});
}

TEST_F(StoreWrite, AnAddressAndPortBelongToOneShard) {
  commit({put(shard("edge")), put(shard("other")), put_listener("web", "edge", 80)});
  const auto violations = refuse({put_listener("web2", "other", 80, "a.example.com")});
  ASSERT_THAT(codes(violations), ElementsAre(ViolationCode::kAddressTaken));
  EXPECT_THAT(violations[0].others, ElementsAre(listener("web")));
  commit({put_listener("web2", "edge", 80, "a.example.com"), put_listener("web3", "other", 81)});
  EXPECT_THAT(codes(refuse({put_listener("web4", "edge", 80, "a.example.com")})),
              ElementsAre(ViolationCode::kHostnameTaken));
}

TEST_F(StoreWrite, AnAddressIsFreeOnceItsLastListenerIsGone) {
  commit({put(shard("edge")), put(shard("other")), put_listener("a", "edge", 80),
          put_listener("b", "edge", 80, "b.com")});
  EXPECT_THAT(codes(refuse({put_listener("a", "other", 80)})), ElementsAre(ViolationCode::kAddressTaken));
  commit({put_listener("a", "other", 80), put_listener("b", "other", 80, "b.com")});  // both move at once
  commit({remove(listener("a")), remove(listener("b"))});
  commit({put_listener("c", "edge", 80)});
}

TEST_F(StoreWrite, ListenersTradePlacesInOneWrite) {
  commit({put(shard("edge")), put_listener("a", "edge", 80), put_listener("b", "edge", 81)});
  commit({put_listener("a", "edge", 81), put_listener("b", "edge", 80)});
  EXPECT_EQ(get(listener("a"))->body, R"({"port":81,"s":"edge"})");
}

TEST_F(StoreWrite, ADryRunTellsTheOutcomeAndStoresNothing) {
  auto result = write({put(shard("edge"))}, true);
  ASSERT_TRUE(std::holds_alternative<Committed>(result));
  EXPECT_EQ(std::get<Committed>(result).revision, 2u);
  EXPECT_EQ(reader().revision(), 1u);
  EXPECT_FALSE(get(shard("edge")));
}

TEST_F(StoreWrite, OneObjectTwiceInAWriteIsRefused) {
  auto result = write({put(shard("edge")), remove(shard("edge"))});
  ASSERT_TRUE(std::holds_alternative<Refused>(result));
  EXPECT_EQ(std::get<Refused>(result).error.code, ErrorCode::kInvalid);
}

TEST_F(StoreWrite, WhatWasStoredIsThereAfterAReopen) {
  commit({put(shard("edge"), R"({"a":"ä \" \\ \u0000"})")});
  const auto before = get(shard("edge"));
  reopen();
  EXPECT_EQ(get(shard("edge")), before);
}

TEST_F(StoreWrite, EveryChangeIsInTheAuditLog) {
  commit({put(shard("edge")), put(pool("a"))});
  commit({put(shard("edge"), R"({"a":1})"), remove(pool("a"))});
  auto entries = reader().audit({}, 10);
  ASSERT_TRUE(entries.ok());
  std::vector<std::string> lines;
  for (const auto& entry : *entries)
    lines.push_back(entry.author + " " + entry.verb + " " + entry.kind + " " + entry.name + " " +
                    std::to_string(*entry.revision));
  EXPECT_THAT(lines, ElementsAre("token/test delete pool a 3", "token/test update shard edge 3",
                                 "token/test create pool a 2", "token/test create shard edge 2"));
  entries = reader().audit(entries->at(2).number, 10);
  EXPECT_EQ(entries->size(), 1u);
}

}  // namespace
}  // namespace headgate::db
