// SPDX-License-Identifier: Apache-2.0
#include "db/store/object.hpp"

#include <algorithm>
#include <span>

#include <sys/random.h>

#include "dataplane/core/assert.hpp"
#include "db/store/access.hpp"

namespace headgate::db {
namespace {

constexpr std::array<std::string_view, 9> kNames{"node", "shard",       "listener", "namespace", "route",
                                                 "pool", "certificate", "secret",   "policy"};
constexpr std::array<std::string_view, 9> kPlurals{
    "nodes", "shards", "listeners", "namespaces", "routes", "pools", "certificates", "secrets", "policies"};
constexpr std::array<std::string_view, 4> kRoles{"admin", "operator", "viewer", "editor"};
static_assert(kNames.size() == kKinds.size() && kPlurals.size() == kKinds.size());

template <typename E>
std::optional<E> index_in(std::span<const std::string_view> names, std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<E>(found - names.begin());
}

}  // namespace

std::string_view name_of(Kind kind) { return kNames[static_cast<std::size_t>(kind)]; }
std::string_view plural_of(Kind kind) { return kPlurals[static_cast<std::size_t>(kind)]; }
std::optional<Kind> kind_of_name(std::string_view name) { return index_in<Kind>(kNames, name); }
std::optional<Kind> kind_of_plural(std::string_view plural) { return index_in<Kind>(kPlurals, plural); }

std::string_view name_of(Role role) { return kRoles[static_cast<std::size_t>(role)]; }
std::optional<Role> role_of_name(std::string_view name) { return index_in<Role>(kRoles, name); }

std::string ObjectKey::to_string() const {
  std::string text(name_of(kind));
  text += ' ';
  if (!namespace_name.empty()) text += namespace_name + '/';
  return text + name;
}

std::string new_uid() {
  std::array<unsigned char, 16> bytes{};
  const auto got =
      getrandom(bytes.data(), bytes.size(), 0);  // never short for 16 bytes, never blocks after boot
  HG_ASSERT(got == static_cast<ssize_t>(bytes.size()));
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string uid;
  for (const auto byte : bytes) {
    uid += kDigits[byte >> 4];
    uid += kDigits[byte & 15];
  }
  return uid;
}

}  // namespace headgate::db
