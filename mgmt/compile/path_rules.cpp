// SPDX-License-Identifier: Apache-2.0
#include "mgmt/compile/path_rules.hpp"

#include <algorithm>

#include "dataplane/core/arena.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/l7/path.hpp"

namespace headgate::compile {
namespace {

bool is_dot_segment(std::string_view segment) { return segment == "." || segment == ".."; }

bool has_dot_segment(std::string_view path) {
  while (!path.empty()) {
    const auto slash = std::min(path.find('/'), path.size());
    if (is_dot_segment(path.substr(0, slash))) return true;
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return false;
}

}  // namespace

std::string_view fault_of_request_target(std::string_view path) {
  if (!path.starts_with('/')) return "must begin with /";
  if (path.size() > 4096) return "is longer than 4096 bytes";
  const bool clean =
      std::all_of(path.begin(), path.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
  return clean ? "" : "holds a space, a control character, # or a byte that must be escaped";
}

std::string_view fault_of_path(std::string_view path) {
  if (const auto fault = fault_of_request_target(path); !fault.empty()) return fault;
  if (path.find_first_of("?\\") != std::string_view::npos)
    return "holds a query or a backslash: only a path is compared";
  // The request's path is compared after its dot segments are gone, so this could never match.
  if (has_dot_segment(path))
    return "holds the segment . or .., which no request's path has after normalisation";
  return "";
}

std::string_view fault_of_normal_form(std::string_view path) {
  Arena arena;
  return l7::normalise_path(path, l7::EscapedSlash::kKeep, arena).ok()
             ? ""
             : "holds an escape that no request's path has";
}

std::string_view fault_of_prefix(std::string_view path) {
  if (path.ends_with('/')) path.remove_suffix(1);  // elements count: "/abc/" is "/abc"
  const auto elements = static_cast<std::size_t>(std::count(path.begin(), path.end(), '/'));
  return elements > limits::kRoutePathElementsMax ? "has more than 64 elements, and a prefix may have no more"
                                                  : "";
}

}  // namespace headgate::compile
