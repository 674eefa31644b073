// SPDX-License-Identifier: Apache-2.0
// Store::write: one transaction, one revision. Every violation is found by a query that can name the other
// side; the constraints of the schema stand behind the queries and hold whatever these overlook.
#include <set>

#include "db/store/state.hpp"

namespace headgate::db {
namespace {

using sqlite::number;

struct Existing {
  ObjectMeta meta;
  std::string body;
};

enum class Effect : uint8_t { kNone, kCreate, kUpdate, kDelete };

std::string_view verb_of(Effect effect) {
  return effect == Effect::kCreate ? "create" : effect == Effect::kUpdate ? "update" : "delete";
}

class Writing {
 public:
  Writing(sqlite::Database& database, const Write& write, int64_t now_ms)
      : database_(database), write_(write), now_ms_(now_ms) {}

  // Leaves the transaction open: the caller commits it, or not.
  WriteResult run();

 private:
  std::optional<Existing> existing(const ObjectKey& key);
  void plan(std::size_t index);
  void check_precondition(std::size_t index, const std::optional<Existing>& existing);
  void store(std::size_t index);
  void store_current(const Object& object, Effect effect);
  void relate(std::size_t index);
  void claim(std::size_t index);
  void check_references(std::size_t index);
  void check_referrers(std::size_t index);
  Violation& violate(ViolationCode code, std::size_t index, std::string pointer, std::string detail);

  sqlite::Database& database_;
  const Write& write_;
  int64_t now_ms_;
  Revision revision_ = 0;
  std::vector<Effect> effects_;  // of each change
  std::vector<Object> objects_;  // of each change; meaningless without an effect
  std::vector<Violation> violations_;
};

std::optional<Existing> Writing::existing(const ObjectKey& key) {
  std::optional<Existing> found;
  database_.each(
      "SELECT uid, generation, revision, created_at_ms, updated_at_ms, body FROM current_objects "
      "WHERE kind = ? AND namespace = ? AND name = ?",
      {name_of(key.kind), key.namespace_name, key.name}, [&](sqlite::Row row) {
        found = Existing{.meta = {.uid = row.text(0),
                                  .generation = row.number(1),
                                  .revision = row.number(2),
                                  .created_at_ms = row.integer(3),
                                  .updated_at_ms = row.integer(4)},
                         .body = row.text(5)};
      });
  return found;
}

Violation& Writing::violate(ViolationCode code, std::size_t index, std::string pointer, std::string detail) {
  return violations_.emplace_back(Violation{.code = code,
                                            .change = index,
                                            .pointer = std::move(pointer),
                                            .detail = std::move(detail),
                                            .others = {}});
}

void Writing::check_precondition(std::size_t index, const std::optional<Existing>& existing) {
  const auto& [key, body, uid, references, claim, secret, precondition] = write_.changes[index];
  if (precondition.must_not_exist && existing)
    violate(ViolationCode::kExists, index, "", key.to_string() + " exists already");
  if (precondition.must_exist && !existing)
    violate(ViolationCode::kNotFound, index, "", key.to_string() + " does not exist");
  const bool reported = precondition.must_exist && !existing;
  if (precondition.revision && !reported && (!existing || existing->meta.revision != *precondition.revision))
    violate(
        ViolationCode::kPrecondition, index, "",
        key.to_string() + (existing ? " was changed in revision " + std::to_string(existing->meta.revision)
                                    : " does not exist"));
}

// What the change comes to, and the object afterwards.
void Writing::plan(std::size_t index) {
  const auto& change = write_.changes[index];
  const auto before = existing(change.key);
  check_precondition(index, before);
  auto effect = Effect::kNone;
  Object object{.key = change.key, .meta = before ? before->meta : ObjectMeta{}, .body = change.body};
  if (!before && change.body) {
    effect = Effect::kCreate;
    object.meta = {.uid = change.uid.empty() ? new_uid() : change.uid,
                   .generation = 1,
                   .revision = revision_,
                   .created_at_ms = now_ms_,
                   .updated_at_ms = now_ms_};
  } else if (before && before->body != change.body) {
    effect = change.body ? Effect::kUpdate : Effect::kDelete;
    object.meta.generation += 1;
    object.meta.revision = revision_;
    object.meta.updated_at_ms = now_ms_;
  }
  effects_.push_back(effect);
  objects_.push_back(std::move(object));
}

void Writing::store_current(const Object& object, Effect effect) {
  const auto& meta = object.meta;
  if (effect == Effect::kDelete) {
    database_.run("DELETE FROM current_objects WHERE uid = ?", {meta.uid});
  } else if (effect == Effect::kUpdate) {
    database_.run(
        "UPDATE current_objects SET revision = ?, generation = ?, updated_at_ms = ?, body = ? WHERE uid = ?",
        {number(meta.revision), number(meta.generation), meta.updated_at_ms, *object.body, meta.uid});
    database_.run("DELETE FROM refs WHERE from_uid = ?", {meta.uid});
    database_.run("DELETE FROM endpoint_claims WHERE uid = ?", {meta.uid});
  } else {
    database_.run(
        "INSERT INTO current_objects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        {meta.uid, number(meta.revision), name_of(object.key.kind), object.key.namespace_name,
         object.key.name, number(meta.generation), meta.created_at_ms, meta.updated_at_ms, *object.body});
  }
}

void Writing::store(std::size_t index) {
  const auto effect = effects_[index];
  if (effect == Effect::kNone) return;
  const auto& object = objects_[index];
  const auto& key = object.key;
  const auto& meta = object.meta;
  database_.run(
      "INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {meta.uid, number(meta.revision), name_of(key.kind), key.namespace_name, key.name,
       number(meta.generation), meta.created_at_ms, meta.updated_at_ms, sqlite::or_null(object.body)});
  if (const auto& secret = write_.changes[index].secret; secret && object.body)
    database_.run("INSERT INTO object_secrets VALUES (?, ?, ?)", {meta.uid, number(meta.revision), *secret});
  store_current(object, effect);
  record(database_, {.number = 0,
                     .at_ms = now_ms_,
                     .author = write_.author,
                     .verb = std::string(verb_of(effect)),
                     .kind = std::string(name_of(key.kind)),
                     .namespace_name = key.namespace_name,
                     .name = key.name,
                     .revision = revision_});
}

void Writing::relate(std::size_t index) {
  if (effects_[index] != Effect::kCreate && effects_[index] != Effect::kUpdate) return;
  for (const auto& [pointer, to] : write_.changes[index].references)
    database_.run("INSERT INTO refs VALUES (?, ?, ?, ?, ?)",
                  {objects_[index].meta.uid, pointer, name_of(to.kind), to.namespace_name, to.name});
  if (write_.changes[index].claim) claim(index);
}

void Writing::claim(std::size_t index) {
  const auto& claim = *write_.changes[index].claim;
  const auto holder = [&](std::string_view extra,
                          std::vector<sqlite::Value> values) -> std::optional<ObjectKey> {
    values.insert(values.begin(), {claim.address, int64_t{claim.port}, claim.transport});
    const auto name = database_.text(
        "SELECT name FROM endpoint_claims JOIN current_objects USING (uid) "
        "WHERE address = ? AND port = ? AND transport = ? AND " +
            std::string(extra) + " LIMIT 1",
        values);
    if (!name) return std::nullopt;
    return ObjectKey{Kind::kListener, "", *name};
  };
  const auto place = claim.address + " port " + std::to_string(claim.port) + "/" + claim.transport;
  if (const auto other = holder("owner <> ?", {claim.owner})) {
    violate(ViolationCode::kAddressTaken, index, "/address",
            place + " belongs to the shard of " + other->to_string())
        .others.push_back(*other);
    return;
  }
  if (const auto other = holder("hostname = ?", {claim.hostname})) {
    const auto what = claim.hostname.empty() ? "no hostname" : "the hostname " + claim.hostname;
    violate(ViolationCode::kHostnameTaken, index, "/hostname",
            other->to_string() + " has " + what + " on " + place)
        .others.push_back(*other);
    return;
  }
  database_.run("INSERT OR IGNORE INTO endpoints VALUES (?, ?, ?, ?)",
                {claim.address, int64_t{claim.port}, claim.transport, claim.owner});
  database_.run("INSERT INTO endpoint_claims VALUES (?, ?, ?, ?, ?, ?)",
                {objects_[index].meta.uid, claim.address, int64_t{claim.port}, claim.transport, claim.owner,
                 claim.hostname});
}

void Writing::check_references(std::size_t index) {
  if (effects_[index] != Effect::kCreate && effects_[index] != Effect::kUpdate) return;
  for (const auto& [pointer, to] : write_.changes[index].references)
    if (!existing(to))
      violate(ViolationCode::kMissingReference, index, pointer, to.to_string() + " does not exist");
}

void Writing::check_referrers(std::size_t index) {
  if (effects_[index] != Effect::kDelete) return;
  const auto& key = write_.changes[index].key;
  auto others = referrers_of(database_, key, kOthersMax);
  if (others.empty()) return;
  auto& violation = violate(ViolationCode::kReferenced, index, "",
                            key.to_string() + " is in use by " + others.front().to_string() +
                                (others.size() > 1 ? " and others" : ""));
  violation.others = std::move(others);
}

WriteResult Writing::run() {
  const auto latest = database_.integer("SELECT max(revision) FROM revisions").value_or(0);
  revision_ = static_cast<Revision>(latest) + 1;
  const auto count = write_.changes.size();
  for (const auto& secret : write_.secrets) keep(database_, secret);
  for (std::size_t i = 0; i < count; ++i) plan(i);
  const bool changes_something =
      std::any_of(effects_.begin(), effects_.end(), [](Effect effect) { return effect != Effect::kNone; });
  if (!changes_something) revision_ = static_cast<Revision>(latest);
  if (changes_something && violations_.empty()) {
    database_.run("INSERT INTO revisions VALUES (?, ?, ?, ?)",
                  {number(revision_), now_ms_, write_.author, write_.summary});
    // Old claims all go before the first new one comes, so that two listeners can trade places in one write.
    for (std::size_t i = 0; i < count; ++i) store(i);
    for (std::size_t i = 0; i < count; ++i) relate(i);
    for (std::size_t i = 0; i < count; ++i) check_references(i);
    for (std::size_t i = 0; i < count; ++i) check_referrers(i);
  }
  Committed committed{.revision = revision_, .changed = {}, .acquired = {}};
  std::vector<AllocationKey> missing;
  release(database_, write_.release, revision_);
  committed.acquired = acquire(database_, write_.acquire, missing);
  for (const auto& key : missing)
    violations_.push_back({.code = ViolationCode::kExhausted,
                           .change = {},
                           .pointer = "",
                           .detail = "no " + std::string(name_of(key.space)) + " is left for " + key.key,
                           .others = {}});
  if (!violations_.empty())
    return Refused{Error{ErrorCode::kConflict, violations_.front().detail}, std::move(violations_)};
  for (std::size_t i = 0; i < count; ++i)
    if (effects_[i] != Effect::kNone) committed.changed.push_back(std::move(objects_[i]));
  return committed;
}

std::optional<ObjectKey> repeated_key(const Write& write) {
  std::set<ObjectKey> seen;
  for (const auto& change : write.changes)
    if (!seen.insert(change.key).second) return change.key;
  return std::nullopt;
}

}  // namespace

WriteResult Store::write(const Write& write) {
  if (const auto key = repeated_key(write))
    return Refused{Error{ErrorCode::kInvalid, key->to_string() + " is changed twice in one write"}, {}};
  const std::lock_guard lock(state_->mutex);
  auto result = guarded([&] {
    sqlite::Transaction transaction(state_->writer, sqlite::Transaction::Kind::kWrite);
    auto outcome = Writing(state_->writer, write, state_->now_ms()).run();
    if (std::holds_alternative<Committed>(outcome) && !write.dry_run) transaction.commit();
    return outcome;
  });
  if (result.ok()) return *std::move(result);
  auto error = std::move(result).error();
  // A constraint that the checks above did not foresee is our bug, not the user's conflict.
  if (error.code == ErrorCode::kConflict) error.code = ErrorCode::kInternal;
  return Refused{std::move(error), {}};
}

}  // namespace headgate::db
