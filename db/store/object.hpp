// SPDX-License-Identifier: Apache-2.0
// The words of storage: which kinds of object are configured, how one is named, what the database keeps
// beside its body. Plain values, any thread. A body is JSON text that db never looks into (labels excepted: a
// list may be selected by them).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/contract/snapshot.hpp"

namespace headgate::db {

using contract::Revision;

enum class Kind : uint8_t {
  kNode,
  kShard,
  kListener,
  kNamespace,
  kRoute,
  kPool,
  kCertificate,
  kSecret,
  kPolicy
};
inline constexpr std::array kKinds{Kind::kNode,        Kind::kShard,  Kind::kListener,
                                   Kind::kNamespace,   Kind::kRoute,  Kind::kPool,
                                   Kind::kCertificate, Kind::kSecret, Kind::kPolicy};

std::string_view name_of(Kind kind);    // "node", in SQL, errors and the audit log
std::string_view plural_of(Kind kind);  // "nodes", in REST paths and in /config
std::optional<Kind> kind_of_name(std::string_view name);
std::optional<Kind> kind_of_plural(std::string_view plural);
// Stands in a namespace always; or in one, or in none, as its author likes.
inline bool in_namespace(Kind kind) { return kind == Kind::kRoute || kind == Kind::kPool; }
inline bool in_any_place(Kind kind) {
  return kind == Kind::kCertificate || kind == Kind::kSecret || kind == Kind::kPolicy;
}

struct ObjectKey {
  Kind kind = Kind::kNode;
  std::string namespace_name;  // empty: outside namespaces
  std::string name;

  std::string to_string() const;  // "route default/app", "node n1": for messages
  friend auto operator<=>(const ObjectKey&, const ObjectKey&) = default;
};

struct ObjectMeta {
  std::string uid;
  uint64_t generation = 0;  // 1 when it was created, one more with every change of its body
  Revision revision = 0;    // in which it last changed; never the same for two bodies, so it is the ETag
  int64_t created_at_ms = 0;
  int64_t updated_at_ms = 0;

  friend bool operator==(const ObjectMeta&, const ObjectMeta&) = default;
};

struct Object {
  ObjectKey key;
  ObjectMeta meta;
  std::optional<std::string> body = {};  // nothing: deleted in meta.revision

  friend bool operator==(const Object&, const Object&) = default;
};

std::string new_uid();  // 128 random bits, 32 hex digits

}  // namespace headgate::db
