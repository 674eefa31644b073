// SPDX-License-Identifier: Apache-2.0
// StoreFixture: a store in a directory of its own, with a clock that the test turns, and short ways to say a
// write. Thread: the test's.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/core/assert.hpp"
#include "db/store/store.hpp"

namespace headgate::db {

class Directory {
 public:
  Directory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "headgate-db-XXXXXX").string();
    HG_ASSERT(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline ObjectKey node(std::string name) { return {Kind::kNode, "", std::move(name)}; }
inline ObjectKey shard(std::string name) { return {Kind::kShard, "", std::move(name)}; }
inline ObjectKey listener(std::string name) { return {Kind::kListener, "", std::move(name)}; }
inline ObjectKey space(std::string name) { return {Kind::kNamespace, "", std::move(name)}; }
inline ObjectKey route(std::string name) { return {Kind::kRoute, "default", std::move(name)}; }
inline ObjectKey pool(std::string name) { return {Kind::kPool, "default", std::move(name)}; }

inline Change put(ObjectKey key, std::string body = "{}", std::vector<Reference> references = {}) {
  return {.key = std::move(key),
          .body = std::move(body),
          .uid = {},
          .references = std::move(references),
          .claim = {},
          .secret = {},
          .precondition = {}};
}
inline Change put_listener(std::string name, std::string shard_name, uint16_t port,
                           std::string hostname = "") {
  auto change =
      put(listener(std::move(name)), R"({"port":)" + std::to_string(port) + R"(,"s":")" + shard_name + "\"}",
          {{"/shard", shard(shard_name)}});
  change.claim = Claim{.address = "192.0.2.1",
                       .port = port,
                       .transport = "tcp",
                       .owner = "shard/" + shard_name,
                       .hostname = std::move(hostname)};
  return change;
}
inline Change remove(ObjectKey key) {
  auto change = put(std::move(key));
  change.body.reset();
  return change;
}

class StoreFixture : public ::testing::Test {
 protected:
  StoreFixture() { open(); }

  void open() {
    auto opened = Store::open(path(), {.now_ms = [this] { return now_ms_; }});
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    store_ = std::make_unique<Store>(*std::move(opened));
  }
  void close() { store_.reset(); }
  void reopen() {
    close();
    open();
  }

  std::string path() const { return directory_.file("headgate.db"); }
  Reader reader() const {
    auto reader = store_->reader();
    HG_ASSERT(reader.ok());
    return *std::move(reader);
  }

  WriteResult write(std::vector<Change> changes, bool dry_run = false) {
    Write write;
    write.author = "token/test";
    write.summary = "a test";
    write.changes = std::move(changes);
    write.dry_run = dry_run;
    return store_->write(write);
  }
  Committed commit(std::vector<Change> changes) {
    auto result = write(std::move(changes));
    if (const auto* refused = std::get_if<Refused>(&result)) {
      ADD_FAILURE() << refused->error.message;
      return {};
    }
    return std::get<Committed>(std::move(result));
  }
  std::vector<Violation> refuse(std::vector<Change> changes) {
    auto result = write(std::move(changes));
    if (const auto* refused = std::get_if<Refused>(&result)) return refused->violations;
    ADD_FAILURE() << "was committed";
    return {};
  }
  std::optional<Object> get(const ObjectKey& key, std::optional<Revision> at = {}) const {
    auto found = reader().get(key, at);
    EXPECT_TRUE(found.ok());
    return *found;
  }
  std::vector<std::string> names(ListQuery query) const {
    auto found = reader().list(query);
    EXPECT_TRUE(found.ok());
    std::vector<std::string> names;
    for (const auto& object : *found) names.push_back(object.key.name);
    return names;
  }

  Directory directory_;
  int64_t now_ms_ = 1'000'000;
  std::unique_ptr<Store> store_;
};

}  // namespace headgate::db
