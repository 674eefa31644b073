// SPDX-License-Identifier: Apache-2.0
// Principal: who sends a request, and what that one may do. Deciding is pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/core/result.hpp"
#include "db/store/reader.hpp"

namespace headgate::auth {

struct Principal {
  bool is_node = false;  // else a token
  std::string name;      // of the token or node
  db::Role role = db::Role::kViewer;
  std::vector<std::string> namespaces;  // of an editor

  std::string author() const { return (is_node ? "node/" : "token/") + name; }
};

// What an operation asks of its sender.
enum class Access : uint8_t {
  kAnyone,           // no token
  kRead,             // any role
  kReadAll,          // any role that is not bound to namespaces
  kReadNamespace,    // of the namespace in the path
  kWriteNamespace,   // of the namespace in the path
  kWriteEverything,  // operator
  kAdminister,       // admin: tokens, captures
  kNode,             // the node in the path itself
};

// `scope`: the namespace or node in the path; empty where there is none.
bool is_allowed(const Principal& principal, Access access, std::string_view scope);

// The principal of a secret; nothing where it is nobody's or has expired.
Result<std::optional<Principal>> principal_of(db::Reader& reader, std::string_view secret, int64_t now_ms);

}  // namespace headgate::auth
