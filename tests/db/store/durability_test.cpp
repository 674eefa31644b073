// SPDX-License-Identifier: Apache-2.0
// What must hold when the machine does not play along: kill -9, a full disk, a damaged file, a second writer.
#include <array>
#include <csignal>
#include <fstream>

#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db/sqlite/database.hpp"
#include "tests/db/store/store_fixture.hpp"

namespace headgate::db {
namespace {

using ::testing::HasSubstr;

// In the child: writes without end, and says each revision that the store has called committed.
[[noreturn]] void write_forever(const std::string& path, int pipe) {
  auto store = Store::open(path);
  if (!store.ok()) _exit(1);
  const std::string filler(2000, 'x');
  for (uint64_t i = 0;; ++i) {
    Write write;
    write.author = "child";
    write.changes = {put(shard("a"), std::to_string(i) + filler),
                     put(shard("b"), std::to_string(i) + filler)};
    write.acquire = {{Space::kTarget, std::to_string(getpid()) + "/" + std::to_string(i)}};
    const auto result = store->write(write);
    const auto* committed = std::get_if<Committed>(&result);
    if (!committed || ::write(pipe, &committed->revision, sizeof(Revision)) != sizeof(Revision)) _exit(1);
  }
}

void check_whole(const Store& store, Revision last_told) {
  auto view = store.reader();
  ASSERT_TRUE(view.ok());
  EXPECT_GE(view->revision(), last_told);
  EXPECT_EQ(view->get(shard("a")).value()->body, view->get(shard("b")).value()->body);
  EXPECT_EQ(view->get(shard("a")).value()->meta.revision, view->revision());
  EXPECT_EQ(view->allocations().value().size(), view->revision() - 1);
}

TEST(Durability, KillingTheWriterLosesNothingThatWasCommitted) {
  const Directory directory;
  const auto path = directory.file("headgate.db");
  for (int round = 0; round < 8; ++round) {
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe(pipe.data()), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) write_forever(path, pipe[1]);
    close(pipe[1]);
    Revision last_told = 0;
    for (int i = 0; i < 20 + 7 * round; ++i)
      ASSERT_EQ(read(pipe[0], &last_told, sizeof(last_told)), static_cast<ssize_t>(sizeof(last_told)));
    kill(child, SIGKILL);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
    Revision more = 0;
    while (read(pipe[0], &more, sizeof(more)) == static_cast<ssize_t>(sizeof(more))) last_told = more;
    close(pipe[0]);
    auto store = Store::open(path);
    ASSERT_TRUE(store.ok()) << store.error().message;
    check_whole(*store, last_told);
    sqlite::Database checker(path, sqlite::Mode::kReadOnly);
    EXPECT_EQ(checker.text("PRAGMA integrity_check"), "ok");
  }
}

// A file-size limit stands in for the full disk: it needs no root and hits the same write() of the log.
TEST(Durability, AFullDiskStoresNothingAndTheStoreGoesOn) {
  const Directory directory;
  auto store = Store::open(directory.file("headgate.db"));
  ASSERT_TRUE(store.ok());
  Write write;
  write.author = "test";
  write.changes = {put(shard("a"), "1")};
  ASSERT_TRUE(std::holds_alternative<Committed>(store->write(write)));

  struct rlimit before {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  auto* const old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit tight { .rlim_cur = 256u << 10, .rlim_max = before.rlim_max };
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  write.changes = {put(shard("a"), std::string(1u << 20, 'x')), put(shard("b"), "1")};
  const auto result = store->write(write);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, old_handler);

  ASSERT_TRUE(std::holds_alternative<Refused>(result));
  const auto code = std::get<Refused>(result).error.code;
  EXPECT_TRUE(code == ErrorCode::kExhausted || code == ErrorCode::kUnavailable);
  auto view = store->reader();
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view->get(shard("a")).value()->body, "1");
  EXPECT_FALSE(view->get(shard("b")).value());
  write.changes = {put(shard("b"), "2")};
  ASSERT_TRUE(std::holds_alternative<Committed>(store->write(write)));
}

// In the child: a file system of 1 MiB, in a mount namespace that goes with the process.
int fill_small_disk(const std::string& mount_point) {
  constexpr int kNoNamespace = 77;
  if (unshare(CLONE_NEWNS) != 0) return kNoNamespace;
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return kNoNamespace;
  if (mount("none", mount_point.c_str(), "tmpfs", 0, "size=1m") != 0) return kNoNamespace;
  auto store = Store::open(mount_point + "/headgate.db");
  if (!store.ok()) return 2;
  Write write;
  write.author = "test";
  write.changes = {put(shard("a"), "1")};
  if (!std::holds_alternative<Committed>(store->write(write))) return 3;
  write.changes = {put(shard("a"), std::string(2u << 20, 'x'))};
  const auto full = store->write(write);
  if (!std::holds_alternative<Refused>(full)) return 4;
  if (std::get<Refused>(full).error.code != ErrorCode::kExhausted) return 5;
  if (store->reader()->get(shard("a")).value()->body != "1") return 6;
  write.changes = {put(shard("a"), "2")};
  return std::holds_alternative<Committed>(store->write(write)) ? 0 : 7;
}

TEST(Durability, ADiskWithoutSpaceIsExhausted) {
  const Directory directory;
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(fill_small_disk(directory.file("")));
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "only root mounts a small disk";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Durability, ASecondWriterIsRefused) {
  const Directory directory;
  const auto path = directory.file("headgate.db");
  auto first = Store::open(path);
  ASSERT_TRUE(first.ok());
  const auto second = Store::open(path);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_THAT(second.error().message, HasSubstr("another headgated"));
}

TEST(Durability, TheFileIsPrivate) {
  const Directory directory;
  const auto path = directory.file("headgate.db");
  auto store = Store::open(path);
  ASSERT_TRUE(store.ok());
  for (const auto* suffix : {"", "-wal", "-shm", ".lock"}) {
    struct stat status {};
    ASSERT_EQ(stat((path + suffix).c_str(), &status), 0) << suffix;
    EXPECT_EQ(status.st_mode & 0777, 0600u) << suffix;
  }
}

TEST(Durability, ADamagedFileIsNamed) {
  const Directory directory;
  const auto path = directory.file("headgate.db");
  std::ofstream(path) << std::string(8192, 'x');
  const auto store = Store::open(path);
  ASSERT_FALSE(store.ok());
  EXPECT_THAT(store.error().message, HasSubstr("restore it from a backup"));
}

TEST(Durability, AMissingDirectoryIsNamed) {
  const auto store = Store::open("/nonexistent/headgate.db");
  ASSERT_FALSE(store.ok());
  EXPECT_THAT(store.error().message, HasSubstr("/nonexistent/headgate.db"));
  EXPECT_EQ(store.error().code, ErrorCode::kNotFound);
}

TEST(Durability, HistoryCannotBeRewritten) {
  const Directory directory;
  const auto path = directory.file("headgate.db");
  ASSERT_TRUE(Store::open(path).ok());
  sqlite::Database database(path, sqlite::Mode::kReadWrite);
  EXPECT_THROW(database.run("DELETE FROM objects"), sqlite::Failure);
  EXPECT_THROW(database.run("UPDATE objects SET body = 'x'"), sqlite::Failure);
}

// What the schema holds by itself, whatever the code above it overlooks.
TEST(Durability, TheSchemaRefusesADanglingReference) {
  const Directory directory;
  const auto path = directory.file("headgate.db");
  ASSERT_TRUE(Store::open(path).ok());
  sqlite::Database database(path, sqlite::Mode::kReadWrite);
  sqlite::Transaction transaction(database, sqlite::Transaction::Kind::kWrite);
  database.run("INSERT INTO refs SELECT uid, '/p', 'pool', '', 'missing' FROM current_objects");
  EXPECT_THROW(transaction.commit(), sqlite::Failure);
}

}  // namespace
}  // namespace headgate::db
