// SPDX-License-Identifier: Apache-2.0
#include "db/store/checkpointer.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include "tests/db/store/store_fixture.hpp"

namespace headgate::db {
namespace {

using namespace std::chrono_literals;

class CheckpointerTest : public testing::Test {
 protected:
  CheckpointerTest() : writer_(directory_.file("x.db"), sqlite::Mode::kReadWrite) {
    // What the disk does is not what is tested.
    writer_.execute_script("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; CREATE TABLE t (body TEXT)");
  }
  void write_pages(std::size_t pages) {
    const std::string body(4'000, 'x');
    for (std::size_t page = 0; page < pages; ++page) writer_.run("INSERT INTO t VALUES (?)", {body});
  }
  std::size_t bytes_of(const std::string& suffix) const {
    return std::filesystem::file_size(directory_.file("x.db" + suffix));
  }
  template <typename Condition>
  static bool comes_true(const Condition& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!condition() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    return condition();
  }

  Directory directory_;
  sqlite::Database writer_;
};

TEST_F(CheckpointerTest, TheLogGoesIntoTheFileWithoutTheWriter) {
  const Checkpointer checkpointer(writer_);
  const auto before_bytes = bytes_of("");
  write_pages(kLogPagesBeforeCheckpoint);  // and some more: each write changes more than one page
  EXPECT_TRUE(comes_true([&] { return bytes_of("") > before_bytes + 500 * 4'000; }));
}

TEST_F(CheckpointerTest, AShortLogIsLeftAlone) {
  const Checkpointer checkpointer(writer_);
  const auto before_bytes = bytes_of("");
  write_pages(100);
  EXPECT_EQ(bytes_of(""), before_bytes);
}

TEST_F(CheckpointerTest, WhoWritesWithoutAPauseKeepsTheLogWithinABound) {
  const Checkpointer checkpointer(writer_);
  write_pages(3 * kLogPagesMax);
  EXPECT_LT(bytes_of("-wal"), 2 * kLogPagesMax * 4'200);
}

TEST_F(CheckpointerTest, WithoutOneTheLogIsMovedByTheWriterAgain) {
  { const Checkpointer checkpointer(writer_); }
  const auto before_bytes = bytes_of("");
  write_pages(kLogPagesBeforeCheckpoint);
  EXPECT_GT(bytes_of(""), before_bytes);
}

}  // namespace
}  // namespace headgate::db
