// SPDX-License-Identifier: Apache-2.0
// What a redirect or a rewrite makes of a path, by the Gateway API's rules: all of it replaced, or the
// elements that the rule's match has matched ("/foo" of "/foo/bar" by "/xyz" is "/xyz/bar"; a final "/" on
// either side changes nothing in between). Pure; the view points into the edit, the path or the arena.
#pragma once

#include <optional>
#include <string_view>

#include "dataplane/contract/filters.hpp"
#include "dataplane/core/arena.hpp"

namespace headgate::l7::policy {

// `matched`: the whole elements at the path's beginning that the rule's match stands for, without a final
// "/"; nullopt where it stands for none. Then, or where the path no longer begins so, a prefix stays as it
// is.
std::string_view edited_path(const contract::PathEdit& edit, std::string_view path,
                             std::optional<std::string_view> matched, Arena& arena);

}  // namespace headgate::l7::policy
