// SPDX-License-Identifier: Apache-2.0
// A REST body → a typed resource, with every fault of that one object: wrong types, unknown fields, values
// out of range. The body is what is stored: without name, namespace, meta and status. Hostile bytes: checked,
// counted, refused. Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "mgmt/compile/problem.hpp"
#include "mgmt/compile/resources.hpp"

namespace headgate::compile {

struct Parsed {
  std::optional<Resource> resource;  // nothing where there are problems, but for pointless ones
  Problems problems;
};

Parsed parse_resource(const db::ObjectKey& key, std::string_view body);

bool is_valid_name(std::string_view name);  // [a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?
// NAME, which stands in no namespace, or NAMESPACE/NAME.
std::optional<ObjectRef> parse_reference(std::string_view text);

}  // namespace headgate::compile
