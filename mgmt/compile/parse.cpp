// SPDX-License-Identifier: Apache-2.0
#include "mgmt/compile/parse.hpp"

#include <algorithm>

#include "dataplane/core/ascii.hpp"
#include "dataplane/core/assert.hpp"
#include "mgmt/compile/fields.hpp"

namespace headgate::compile {
namespace {

constexpr std::size_t kNameBytesMax = 63;

bool is_name_character(char c) { return ascii::is_lower(c) || ascii::is_digit(c) || c == '-'; }

Resource read_resource(const db::ObjectKey& key, Fields& fields) {
  switch (key.kind) {
    case db::Kind::kNode:
      return parse_node(fields);
    case db::Kind::kShard:
      return parse_shard(fields);
    case db::Kind::kListener:
      return parse_listener(fields);
    case db::Kind::kNamespace:
      return parse_namespace(fields);
    case db::Kind::kRoute:
      return parse_route(fields, key.namespace_name);
    case db::Kind::kPool:
      return parse_pool(fields, key.namespace_name);
    case db::Kind::kCertificate:
      return parse_certificate(fields);
    case db::Kind::kSecret:
      return parse_secret(fields);
    case db::Kind::kPolicy:
      return parse_policy(fields, key.namespace_name);
  }
  HG_ASSERT(false);
  return Node{};
}

}  // namespace

bool is_valid_name(std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax || name.front() == '-' || name.back() == '-') return false;
  return std::all_of(name.begin(), name.end(), is_name_character);
}

std::optional<ObjectRef> parse_reference(std::string_view text) {
  ObjectRef reference;
  const auto slash = text.find('/');
  if (slash != std::string_view::npos) {
    reference.namespace_name = text.substr(0, slash);
    if (!is_valid_name(reference.namespace_name)) return std::nullopt;
    text.remove_prefix(slash + 1);
  }
  if (!is_valid_name(text)) return std::nullopt;
  reference.name = text;
  return reference;
}

Parsed parse_resource(const db::ObjectKey& key, std::string_view body) {
  Parsed parsed;
  Faults faults(key, parsed.problems);
  const bool has_place = db::in_namespace(key.kind) || !key.namespace_name.empty();
  if (!is_valid_name(key.name) || (has_place && !is_valid_name(key.namespace_name)))
    faults.add("/name", "invalid_name", "names are up to 63 of a-z, 0-9 and -, and begin and end without -");
  const Json json = Json::parse(body.begin(), body.end(), nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) {
    faults.add("", "invalid_json", "is not valid JSON");
    return parsed;
  }
  {
    Fields fields(json, "", faults);
    parsed.resource = read_resource(key, fields);
  }
  const bool readable = std::all_of(parsed.problems.begin(), parsed.problems.end(),
                                    [](const Problem& problem) { return problem.pointless; });
  if (!readable) parsed.resource.reset();
  return parsed;
}

}  // namespace headgate::compile
