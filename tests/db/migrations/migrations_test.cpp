// SPDX-License-Identifier: Apache-2.0
#include "db/migrations/migrations.hpp"

#include <array>

#include <gmock/gmock.h>

#include "tests/db/store/store_fixture.hpp"

namespace headgate::db {
namespace {

using ::testing::HasSubstr;

std::string failure_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const sqlite::Failure& failure) {
    return failure.what();
  }
  return "";
}

TEST(Migrations, AreNumberedWithoutGaps) {
  int64_t number = 0;
  for (const auto& migration : all_migrations()) {
    EXPECT_EQ(migration.number, ++number);
    EXPECT_LE(migration.readable_from, migration.number);
  }
}

TEST(Migrations, AFileOfTheFirstSchemaIsBroughtUpWithItsContents) {
  const Directory directory;
  const auto path = directory.file("headgate.db");
  {
    sqlite::Database database(path, sqlite::Mode::kReadWrite);
    migrate(database, all_migrations().first(1), 1);
    database.run("INSERT INTO revisions VALUES (2, 5, 'old', 'written by the first release')");
    database.run("INSERT INTO objects VALUES ('u', 2, 'shard', '', 'edge', 1, 5, 5, '{}')");
    database.run("INSERT INTO current_objects VALUES ('u', 2, 'shard', '', 'edge', 1, 5, 5, '{}')");
  }
  auto store = Store::open(path);
  ASSERT_TRUE(store.ok()) << store.error().message;
  EXPECT_EQ(store->reader()->get(shard("edge")).value()->meta.uid, "u");
  EXPECT_EQ(store->reader()->tokens().value().size(), 0u);
}

TEST(Migrations, ASecondOpenChangesNothing) {
  const Directory directory;
  sqlite::Database database(directory.file("x.db"), sqlite::Mode::kReadWrite);
  migrate(database, all_migrations(), 1);
  const auto version = database.integer("PRAGMA schema_version");
  migrate(database, all_migrations(), 2);
  EXPECT_EQ(database.integer("PRAGMA schema_version"), version);
}

TEST(Migrations, ANewerFileOpensWhileItIsReadableAndIsRefusedWhenNot) {
  const Directory directory;
  sqlite::Database database(directory.file("x.db"), sqlite::Mode::kReadWrite);
  constexpr Migration kFirst{.number = 1, .readable_from = 1, .sql = "CREATE TABLE a (x INTEGER) STRICT"};
  constexpr Migration kAdds{.number = 2, .readable_from = 1, .sql = "ALTER TABLE a ADD COLUMN y INTEGER"};
  constexpr Migration kBreaks{.number = 3, .readable_from = 3, .sql = "DROP TABLE a"};
  const std::array all{kFirst, kAdds, kBreaks};
  const auto known = std::span(all);
  migrate(database, known.first(2), 1);
  EXPECT_EQ(failure_of([&] { migrate(database, known.first(1), 1); }), "");
  migrate(database, known, 1);
  EXPECT_THAT(failure_of([&] { migrate(database, known.first(2), 1); }),
              HasSubstr("start the newer headgated"));
}

TEST(Migrations, AFailingOneLeavesTheStateBefore) {
  const Directory directory;
  sqlite::Database database(directory.file("x.db"), sqlite::Mode::kReadWrite);
  constexpr std::array kMigrations{
      Migration{.number = 1, .readable_from = 1, .sql = "CREATE TABLE a (x INTEGER) STRICT"},
      Migration{.number = 2, .readable_from = 1, .sql = "CREATE TABLE b (x INTEGER) STRICT; nonsense"}};
  EXPECT_NE(failure_of([&] { migrate(database, kMigrations, 1); }), "");
  EXPECT_EQ(database.integer("SELECT max(number) FROM migrations"), 1);
  EXPECT_EQ(database.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'b'"), 0);
}

TEST(Migrations, AnotherProgramsDatabaseIsLeftAlone) {
  const Directory directory;
  sqlite::Database database(directory.file("x.db"), sqlite::Mode::kReadWrite);
  database.run("CREATE TABLE recipes (x INTEGER)");
  EXPECT_THAT(failure_of([&] { migrate(database, all_migrations(), 1); }), HasSubstr("another program"));
}

}  // namespace
}  // namespace headgate::db
