// SPDX-License-Identifier: Apache-2.0
// What a rule asks of a request: path, method, headers and query, by the rules of HTTP.md. Plain values, part
// of objects.hpp's Route; a member's JSON key stands in kFields.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/contract/fields.hpp"

namespace headgate::contract {

enum class PathMatchType : uint8_t { kExact, kPrefix, kRegex };  // "exact" "prefix" "regex"
enum class ValueMatchType : uint8_t { kExact, kRegex };          // "exact" "regex"

// A regex is RE2's and must match the whole path, as a request's path is after normalisation.
struct PathMatch {
  PathMatchType type = PathMatchType::kPrefix;
  std::string value = "/";

  static constexpr auto kFields =
      std::tuple{field("type", &PathMatch::type), field("value", &PathMatch::value)};
  friend bool operator==(const PathMatch&, const PathMatch&) = default;
};

struct HeaderMatch {
  std::string name;  // lower case
  std::string value;
  ValueMatchType type = ValueMatchType::kExact;

  static constexpr auto kFields =
      std::tuple{field("name", &HeaderMatch::name), field("value", &HeaderMatch::value),
                 field("type", &HeaderMatch::type)};
  friend bool operator==(const HeaderMatch&, const HeaderMatch&) = default;
};

// Of a repeated key the first value counts. Names and values are compared as a form would read them: "+" is a
// space and %XX the byte that it stands for.
struct QueryMatch {
  std::string name;
  std::string value;
  ValueMatchType type = ValueMatchType::kExact;

  static constexpr auto kFields = std::tuple{
      field("name", &QueryMatch::name), field("value", &QueryMatch::value), field("type", &QueryMatch::type)};
  friend bool operator==(const QueryMatch&, const QueryMatch&) = default;
};

// All that is given must hold.
struct RouteMatch {
  PathMatch path;
  std::string method;  // empty: any
  std::vector<HeaderMatch> headers;
  std::vector<QueryMatch> query = {};

  static constexpr auto kFields =
      std::tuple{field("path", &RouteMatch::path), field("method", &RouteMatch::method),
                 field("headers", &RouteMatch::headers), field("query", &RouteMatch::query)};
  friend bool operator==(const RouteMatch&, const RouteMatch&) = default;
};

}  // namespace headgate::contract
