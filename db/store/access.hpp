// SPDX-License-Identifier: Apache-2.0
// Who may do what, and who did: API tokens, the nodes' enrolments and credentials, the audit log. The store
// keeps secrets as SHA-256 in hex, which the caller makes. Outside revisions: a rollback brings no token
// back. Plain values, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "db/store/object.hpp"

namespace headgate::db {

enum class Role : uint8_t { kAdmin, kOperator, kViewer, kEditor };  // "admin" "operator" "viewer" "editor"
std::string_view name_of(Role role);
std::optional<Role> role_of_name(std::string_view name);

struct Token {
  std::string name;
  Role role = Role::kViewer;
  std::vector<std::string> namespaces = {};
  std::optional<int64_t> expires_at_ms = {};
  // Set by the store:
  std::string uid;
  uint64_t generation = 0;
  int64_t created_at_ms = 0;
  int64_t updated_at_ms = 0;

  friend bool operator==(const Token&, const Token&) = default;
};

struct AuditEntry {
  uint64_t number = 0;
  int64_t at_ms = 0;
  std::string author;
  std::string verb;  // "create" "update" "delete" "enrolment" "enrol" "restart"
  std::string kind;  // name_of(Kind), or "token"
  std::string namespace_name;
  std::string name;
  std::optional<Revision> revision = {};  // nothing where it is in no revision (tokens, enrolments)

  friend bool operator==(const AuditEntry&, const AuditEntry&) = default;
};

}  // namespace headgate::db
