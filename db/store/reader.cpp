// SPDX-License-Identifier: Apache-2.0
#include "db/store/reader.hpp"

#include "db/store/state.hpp"

namespace headgate::db {
namespace {

using sqlite::number;
using sqlite::Value;

constexpr std::size_t kLabelsMax = 32;  // in one selector

// The objects as they stood at a revision: of each uid the newest row up to it, unless that is a tombstone.
std::string source_at(std::optional<Revision> at) {
  if (!at) return "current_objects o";
  const auto limit = std::to_string(*at);
  return "(SELECT * FROM objects h WHERE h.body IS NOT NULL AND h.revision = (SELECT max(revision) FROM "
         "objects n "
         "WHERE n.uid = h.uid AND n.revision <= " +
         limit + ")) o";
}

std::string select_from(std::optional<Revision> at) {
  return "SELECT " + std::string(kObjectColumns) + " FROM " + source_at(at);
}

RevisionInfo revision_of(sqlite::Row row) {
  return {.revision = row.number(0),
          .created_at_ms = row.integer(1),
          .author = row.text(2),
          .summary = row.text(3)};
}

}  // namespace

Object object_of(sqlite::Row row) {
  return {.key = {kind_of_name(row.text(0)).value_or(Kind::kNode), row.text(1), row.text(2)},
          .meta = {.uid = row.text(3),
                   .generation = row.number(4),
                   .revision = row.number(5),
                   .created_at_ms = row.integer(6),
                   .updated_at_ms = row.integer(7)},
          .body = row.is_null(8) ? std::nullopt : std::optional(row.text(8))};
}

std::vector<ObjectKey> referrers_of(sqlite::Database& database, const ObjectKey& key, std::size_t limit) {
  std::vector<ObjectKey> keys;
  database.each(
      "SELECT DISTINCT kind, namespace, name FROM refs JOIN current_objects ON uid = from_uid "
      "WHERE to_kind = ? AND to_namespace = ? AND to_name = ? ORDER BY 1, 2, 3 LIMIT ?",
      {name_of(key.kind), key.namespace_name, key.name, static_cast<int64_t>(limit)}, [&](sqlite::Row row) {
        keys.push_back({kind_of_name(row.text(0)).value_or(Kind::kNode), row.text(1), row.text(2)});
      });
  return keys;
}

Reader::Reader(std::unique_ptr<State> state) : state_(std::move(state)) {}
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;
Reader::~Reader() = default;

Revision Reader::revision() const { return state_->revision; }

Result<std::optional<Object>> Reader::get(const ObjectKey& key, std::optional<Revision> at) {
  return guarded([&] {
    std::optional<Object> found;
    state_->database->each(select_from(at) + " WHERE kind = ? AND namespace = ? AND name = ?",
                           {name_of(key.kind), key.namespace_name, key.name},
                           [&](sqlite::Row row) { found = object_of(row); });
    return found;
  });
}

Result<std::vector<Object>> Reader::list(const ListQuery& query) {
  if (query.labels.size() > kLabelsMax) return Error{ErrorCode::kExhausted, "too many labels to select by"};
  return guarded([&] {
    std::string sql = select_from(query.at) + " WHERE kind = ?";
    std::vector<Value> values{name_of(query.kind)};
    if (query.namespace_name) {
      sql += " AND namespace = ?";
      values.emplace_back(*query.namespace_name);
    }
    if (query.after) {
      sql += " AND (namespace, name) > (?, ?)";
      values.emplace_back(query.after->first);
      values.emplace_back(query.after->second);
    }
    for (const auto& [key, value] : query.labels) {
      sql += " AND EXISTS (SELECT 1 FROM json_each(o.body, '$.labels') l WHERE l.key = ? AND l.value = ?)";
      values.emplace_back(key);
      values.emplace_back(value);
    }
    sql += " ORDER BY namespace, name LIMIT ?";
    values.emplace_back(static_cast<int64_t>(query.limit));
    std::vector<Object> objects;
    state_->database->each(sql, values, [&](sqlite::Row row) { objects.push_back(object_of(row)); });
    return objects;
  });
}

Result<void> Reader::each_object(const std::function<void(Object)>& on_object, std::optional<Revision> at) {
  return guarded([&] {
    state_->database->each(select_from(at) + " ORDER BY kind, namespace, name", {},
                           [&](sqlite::Row row) { on_object(object_of(row)); });
  });
}

Result<std::vector<Allocation>> Reader::allocations() {
  return guarded([&] {
    std::vector<Allocation> held;
    for (const auto space : kSpaces)
      state_->database->each("SELECT key, number FROM allocations WHERE space = ? AND released_in IS NULL",
                             {name_of(space)}, [&](sqlite::Row row) {
                               held.push_back({{space, row.text(0)}, static_cast<uint32_t>(row.integer(1))});
                             });
    return held;
  });
}

Result<std::vector<ObjectKey>> Reader::referrers(const ObjectKey& key, std::size_t limit) {
  return guarded([&] { return referrers_of(*state_->database, key, limit); });
}

Result<std::vector<RevisionInfo>> Reader::revisions(std::optional<Revision> before, std::size_t limit) {
  return guarded([&] {
    std::vector<RevisionInfo> infos;
    state_->database->each(
        "SELECT revision, created_at_ms, author, summary FROM revisions WHERE revision < ? "
        "ORDER BY revision DESC LIMIT ?",
        {before ? number(*before) : Value(INT64_MAX), static_cast<int64_t>(limit)},
        [&](sqlite::Row row) { infos.push_back(revision_of(row)); });
    return infos;
  });
}

Result<std::optional<RevisionInfo>> Reader::revision_info(Revision revision) {
  return guarded([&] {
    std::optional<RevisionInfo> info;
    state_->database->each(
        "SELECT revision, created_at_ms, author, summary FROM revisions WHERE revision = ?",
        {number(revision)}, [&](sqlite::Row row) { info = revision_of(row); });
    return info;
  });
}

Result<std::vector<Object>> Reader::changed_in(Revision revision) {
  return guarded([&] {
    std::vector<Object> objects;
    state_->database->each("SELECT " + std::string(kObjectColumns) +
                               " FROM objects WHERE revision = ? ORDER BY kind, namespace, name",
                           {number(revision)}, [&](sqlite::Row row) { objects.push_back(object_of(row)); });
    return objects;
  });
}

}  // namespace headgate::db
