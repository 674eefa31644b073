// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/policy/path_edit.hpp"

namespace headgate::l7::policy {

std::string_view edited_path(const contract::PathEdit& edit, std::string_view path,
                             std::optional<std::string_view> matched, Arena& arena) {
  const std::string_view value = edit.value.empty() ? std::string_view("/") : edit.value;
  if (edit.type == contract::PathEditType::kFull) return value;
  if (!matched || !path.starts_with(*matched)) return path;
  const auto rest = path.substr(matched->size());
  if (rest.empty()) return value;
  if (!rest.starts_with('/')) return path;
  return value.ends_with('/') ? arena.join({value.substr(0, value.size() - 1), rest})
                              : arena.join({value, rest});
}

}  // namespace headgate::l7::policy
