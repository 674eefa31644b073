// SPDX-License-Identifier: Apache-2.0
#include "db/store/allocation.hpp"

#include "dataplane/core/assert.hpp"
#include "dataplane/core/limits.hpp"
#include "db/store/state.hpp"

namespace headgate::db {
namespace {

// Upwards from the highest number that anyone ever had; past the end, the one that was released longest ago.
std::optional<int64_t> free_number(sqlite::Database& database, Space space) {
  const auto range = range_of(space);
  const auto highest =
      database.integer("SELECT max(number) FROM allocations WHERE space = ?", {name_of(space)});
  const int64_t next = highest ? *highest + 1 : range.first;
  if (next <= range.last) return next;
  const auto oldest = database.integer(
      "SELECT number FROM allocations WHERE space = ? AND released_in IS NOT NULL "
      "ORDER BY released_in, number LIMIT 1",
      {name_of(space)});
  if (oldest)
    database.run("DELETE FROM allocations WHERE space = ? AND number = ?", {name_of(space), *oldest});
  return oldest;
}

}  // namespace

std::string_view name_of(Space space) {
  constexpr std::array<std::string_view, 3> kNames{"user", "local_port", "target"};
  return kNames[static_cast<std::size_t>(space)];
}

NumberRange range_of(Space space) {
  switch (space) {
    case Space::kUser:
      return {0, limits::kShardUsersMax - 1};
    case Space::kLocalPort:
      return {limits::kLocalPortFirst, limits::kLocalPortLast};
    case Space::kTarget:
      return {1, limits::kTargetIdsMax - 1};  // 0 means "none" to a reader
  }
  HG_ASSERT(false);
  return {};
}

std::vector<Allocation> acquire(sqlite::Database& database, const std::vector<AllocationKey>& keys,
                                std::vector<AllocationKey>& missing) {
  std::vector<Allocation> acquired;
  acquired.reserve(keys.size());
  for (const auto& key : keys) {
    const auto space = name_of(key.space);
    auto number =
        database.integer("SELECT number FROM allocations WHERE space = ? AND key = ?", {space, key.key});
    if (number) {
      database.run("UPDATE allocations SET released_in = NULL WHERE space = ? AND key = ?", {space, key.key});
    } else if ((number = free_number(database, key.space))) {
      database.run("INSERT INTO allocations VALUES (?, ?, ?, NULL)", {space, key.key, *number});
    } else {
      missing.push_back(key);
      continue;
    }
    acquired.push_back({key, static_cast<uint32_t>(*number)});
  }
  return acquired;
}

void release(sqlite::Database& database, const std::vector<AllocationKey>& keys, Revision revision) {
  for (const auto& key : keys)
    database.run("UPDATE allocations SET released_in = ? WHERE space = ? AND key = ? AND released_in IS NULL",
                 {sqlite::number(revision), name_of(key.space), key.key});
}

}  // namespace headgate::db
