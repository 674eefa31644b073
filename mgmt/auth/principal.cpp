// SPDX-License-Identifier: Apache-2.0
#include "mgmt/auth/principal.hpp"

#include <algorithm>

#include "mgmt/auth/secret.hpp"

namespace headgate::auth {
namespace {

using db::Role;

bool has_namespace(const Principal& principal, std::string_view name) {
  return std::find(principal.namespaces.begin(), principal.namespaces.end(), name) !=
         principal.namespaces.end();
}

}  // namespace

bool is_allowed(const Principal& principal, Access access, std::string_view scope) {
  if (access == Access::kAnyone) return true;
  if (principal.is_node) return access == Access::kNode && principal.name == scope;
  const bool is_editor = principal.role == Role::kEditor;
  const bool is_operator = principal.role == Role::kOperator || principal.role == Role::kAdmin;
  switch (access) {
    case Access::kAnyone:
    case Access::kRead:
      return true;
    case Access::kReadAll:
      return !is_editor;
    case Access::kReadNamespace:
      return !is_editor || has_namespace(principal, scope);
    case Access::kWriteNamespace:
      return is_operator || (is_editor && has_namespace(principal, scope));
    case Access::kWriteEverything:
      return is_operator;
    case Access::kAdminister:
      return principal.role == Role::kAdmin;
    case Access::kNode:
      return false;
  }
  return false;
}

Result<std::optional<Principal>> principal_of(db::Reader& reader, std::string_view secret, int64_t now_ms) {
  const auto digest = digest_of(secret);
  auto token = reader.token_by_secret(digest);
  if (!token.ok()) return std::move(token).error();
  if (*token) {
    const auto& found = **token;
    if (found.expires_at_ms && *found.expires_at_ms <= now_ms) return std::optional<Principal>{};
    return std::optional(Principal{false, found.name, found.role, found.namespaces});
  }
  auto node = reader.node_by_credential(digest);
  if (!node.ok()) return std::move(node).error();
  if (!*node) return std::optional<Principal>{};
  return std::optional(Principal{true, **node, Role::kViewer, {}});
}

}  // namespace headgate::auth
