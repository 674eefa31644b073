// SPDX-License-Identifier: Apache-2.0
// Tokens, enrolments, credentials and the audit log.
#include "db/store/access.hpp"

#include "db/store/state.hpp"

namespace headgate::db {
namespace {

using sqlite::number;
using sqlite::Value;

constexpr std::string_view kTokenColumns =
    "name, role, namespaces, expires_at_ms, uid, generation, created_at_ms, updated_at_ms";

// Namespace names hold neither comma nor space, so a list of them is their names joined.
std::string join(const std::vector<std::string>& names) {
  std::string joined;
  for (const auto& name : names) joined += (joined.empty() ? "" : ",") + name;
  return joined;
}

std::vector<std::string> split(std::string_view joined) {
  std::vector<std::string> names;
  while (!joined.empty()) {
    const auto comma = std::min(joined.find(','), joined.size());
    names.emplace_back(joined.substr(0, comma));
    joined.remove_prefix(std::min(comma + 1, joined.size()));
  }
  return names;
}

Token token_of(sqlite::Row row) {
  return {.name = row.text(0),
          .role = role_of_name(row.text(1)).value_or(Role::kViewer),
          .namespaces = split(row.text(2)),
          .expires_at_ms = row.is_null(3) ? std::nullopt : std::optional(row.integer(3)),
          .uid = row.text(4),
          .generation = row.number(5),
          .created_at_ms = row.integer(6),
          .updated_at_ms = row.integer(7)};
}

std::vector<Token> select_tokens(sqlite::Database& database, std::string_view where,
                                 const std::vector<Value>& values) {
  std::vector<Token> tokens;
  database.each("SELECT " + std::string(kTokenColumns) + " FROM tokens " + std::string(where), values,
                [&](sqlite::Row row) { tokens.push_back(token_of(row)); });
  return tokens;
}

std::optional<Token> select_token(sqlite::Database& database, const std::string& name) {
  auto tokens = select_tokens(database, "WHERE name = ?", {name});
  if (tokens.empty()) return std::nullopt;
  return std::move(tokens.front());
}

AuditEntry deed(int64_t at_ms, const std::string& author, std::string verb, std::string kind,
                std::string name) {
  return {.number = 0,
          .at_ms = at_ms,
          .author = author,
          .verb = std::move(verb),
          .kind = std::move(kind),
          .namespace_name = "",
          .name = std::move(name),
          .revision = {}};
}

Result<void> check(const Precondition& precondition, const std::string& name,
                   const std::optional<Token>& existing) {
  if (precondition.must_not_exist && existing)
    return Error{ErrorCode::kConflict, "token " + name + " exists already"};
  if (precondition.must_exist && !existing)
    return Error{ErrorCode::kNotFound, "token " + name + " does not exist"};
  if (precondition.revision && (!existing || existing->generation != *precondition.revision))
    return Error{ErrorCode::kConflict, "token " + name + " has changed since it was read"};
  return {};
}

std::optional<std::string> uid_of_node(sqlite::Database& database, const std::string& node) {
  return database.text("SELECT uid FROM current_objects WHERE kind = 'node' AND namespace = '' AND name = ?",
                       {node});
}

// For bodies that return a Result themselves.
template <typename T>
Result<T> flatten(Result<Result<T>> nested) {
  if (!nested.ok()) return std::move(nested).error();
  return *std::move(nested);
}

}  // namespace

void record(sqlite::Database& database, const AuditEntry& entry) {
  database.run(
      "INSERT INTO audit (at_ms, author, verb, kind, namespace, name, revision) VALUES (?, ?, ?, ?, ?, ?, ?)",
      {entry.at_ms, entry.author, entry.verb, entry.kind, entry.namespace_name, entry.name,
       entry.revision ? number(*entry.revision) : Value(nullptr)});
}

Result<Token> Store::put_token(const std::string& author, const Token& token,
                               const std::optional<std::string>& secret_sha256,
                               const Precondition& precondition) {
  const std::lock_guard lock(state_->mutex);
  auto& database = state_->writer;
  return flatten(guarded([&]() -> Result<Token> {
    sqlite::Transaction transaction(database, sqlite::Transaction::Kind::kWrite);
    const auto existing = select_token(database, token.name);
    if (auto fits = check(precondition, token.name, existing); !fits.ok()) return std::move(fits).error();
    if (!existing && !secret_sha256) return Error{ErrorCode::kInvalid, "a new token needs a secret"};
    const int64_t now_ms = state_->now_ms();
    Token next = token;
    next.uid = existing ? existing->uid : new_uid();
    next.generation = existing ? existing->generation + 1 : 1;
    next.created_at_ms = existing ? existing->created_at_ms : now_ms;
    next.updated_at_ms = now_ms;
    database.run(
        "INSERT INTO tokens (name, uid, generation, role, namespaces, expires_at_ms, secret_sha256, "
        "created_at_ms, "
        "updated_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
        "coalesce(?7, (SELECT secret_sha256 FROM tokens WHERE name = ?1)), ?8, ?9) "
        "ON CONFLICT (name) DO UPDATE SET generation = ?3, role = ?4, namespaces = ?5, expires_at_ms = ?6, "
        "secret_sha256 = excluded.secret_sha256, updated_at_ms = ?9",
        {next.name, next.uid, number(next.generation), name_of(next.role), join(next.namespaces),
         next.expires_at_ms ? Value(*next.expires_at_ms) : Value(nullptr), sqlite::or_null(secret_sha256),
         next.created_at_ms, next.updated_at_ms});
    record(database, deed(now_ms, author, existing ? "update" : "create", "token", next.name));
    transaction.commit();
    return next;
  }));
}

Result<void> Store::remove_token(const std::string& author, const std::string& name,
                                 const Precondition& precondition) {
  const std::lock_guard lock(state_->mutex);
  auto& database = state_->writer;
  return flatten(guarded([&]() -> Result<void> {
    sqlite::Transaction transaction(database, sqlite::Transaction::Kind::kWrite);
    const auto existing = select_token(database, name);
    if (auto fits = check(precondition, name, existing); !fits.ok()) return fits;
    if (!existing) return Error{ErrorCode::kNotFound, "token " + name + " does not exist"};
    database.run("DELETE FROM tokens WHERE name = ?", {name});
    record(database, deed(state_->now_ms(), author, "delete", "token", name));
    transaction.commit();
    return {};
  }));
}

Result<void> Store::record_action(const std::string& author, const std::string& verb, Kind kind,
                                  const std::string& name) {
  const std::lock_guard lock(state_->mutex);
  auto& database = state_->writer;
  return guarded([&] {
    sqlite::Transaction transaction(database, sqlite::Transaction::Kind::kWrite);
    record(database, deed(state_->now_ms(), author, verb, std::string(name_of(kind)), name));
    transaction.commit();
  });
}

Result<void> Store::put_enrolment(const std::string& author, const std::string& node,
                                  const std::string& token_sha256, int64_t expires_at_ms) {
  const std::lock_guard lock(state_->mutex);
  auto& database = state_->writer;
  return flatten(guarded([&]() -> Result<void> {
    sqlite::Transaction transaction(database, sqlite::Transaction::Kind::kWrite);
    const auto uid = uid_of_node(database, node);
    if (!uid) return Error{ErrorCode::kNotFound, "node " + node + " does not exist"};
    database.run("INSERT OR REPLACE INTO node_enrolments VALUES (?, ?, ?)",
                 {*uid, token_sha256, expires_at_ms});
    record(database, deed(state_->now_ms(), author, "enrolment", "node", node));
    transaction.commit();
    return {};
  }));
}

Result<void> Store::enrol(const std::string& node, const std::string& token_sha256,
                          const std::string& credential_sha256) {
  const std::lock_guard lock(state_->mutex);
  auto& database = state_->writer;
  return flatten(guarded([&]() -> Result<void> {
    sqlite::Transaction transaction(database, sqlite::Transaction::Kind::kWrite);
    const int64_t now_ms = state_->now_ms();
    const auto uid = uid_of_node(database, node).value_or("");
    database.run("DELETE FROM node_enrolments WHERE node_uid = ? AND token_sha256 = ? AND expires_at_ms > ?",
                 {uid, token_sha256, now_ms});
    if (database.rows_changed() == 0)
      return Error{ErrorCode::kPermission,
                   "no such enrolment of node " + node + ", or it was used or has expired: make a new one"};
    database.run("INSERT OR REPLACE INTO node_credentials VALUES (?, ?, ?)",
                 {uid, credential_sha256, now_ms});
    record(database, deed(now_ms, "node/" + node, "enrol", "node", node));
    transaction.commit();
    return {};
  }));
}

Result<std::optional<Token>> Reader::token(const std::string& name) {
  return guarded([&] { return select_token(*state_->database, name); });
}

Result<std::vector<Token>> Reader::tokens() {
  return guarded([&] { return select_tokens(*state_->database, "ORDER BY name", {}); });
}

Result<std::optional<Token>> Reader::token_by_secret(const std::string& secret_sha256) {
  return guarded([&] {
    auto tokens = select_tokens(*state_->database, "WHERE secret_sha256 = ?", {secret_sha256});
    return tokens.empty() ? std::nullopt : std::optional(std::move(tokens.front()));
  });
}

Result<std::optional<std::string>> Reader::node_by_credential(const std::string& credential_sha256) {
  return guarded([&] {
    return state_->database->text(
        "SELECT name FROM node_credentials JOIN current_objects ON uid = node_uid WHERE credential_sha256 = "
        "?",
        {credential_sha256});
  });
}

Result<std::vector<AuditEntry>> Reader::audit(std::optional<uint64_t> before, std::size_t limit) {
  return guarded([&] {
    std::vector<AuditEntry> entries;
    state_->database->each(
        "SELECT number, at_ms, author, verb, kind, namespace, name, revision FROM audit WHERE number < ? "
        "ORDER BY number DESC LIMIT ?",
        {before ? number(*before) : Value(INT64_MAX), static_cast<int64_t>(limit)}, [&](sqlite::Row row) {
          entries.push_back({.number = row.number(0),
                             .at_ms = row.integer(1),
                             .author = row.text(2),
                             .verb = row.text(3),
                             .kind = row.text(4),
                             .namespace_name = row.text(5),
                             .name = row.text(6),
                             .revision = row.is_null(7) ? std::nullopt : std::optional(row.number(7))});
        });
    return entries;
  });
}

}  // namespace headgate::db
