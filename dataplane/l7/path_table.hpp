// SPDX-License-Identifier: Apache-2.0
// PathTable: the rules of one hostname of one listener by path; of those that match a request it finds the
// one that HTTP.md's precedence prefers: exact path, longest prefix by elements, method, header count, age,
// namespace/name, order in the route. Immutable; with() shares with its predecessor what stays. Threads:
// with() the control thread; match() any.
//
// Cost: a look-up for the exact path and one for each length in elements that the table's prefixes have; then
// the rules under the very same path in turn, which only methods and headers tell apart.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/contract/objects.hpp"
#include "dataplane/l7/depths.hpp"
#include "dataplane/l7/http_message.hpp"
#include "dataplane/l7/route_plan.hpp"
#include "dataplane/l7/shared_map.hpp"

namespace headgate::l7 {

struct CompiledRoute;

struct HeaderCondition {
  std::string name;  // lower case
  std::string value;
  HeaderId id = HeaderId::kOther;
};

// One entry of `matches` of one rule.
struct CompiledMatch {
  contract::PathMatchType path_type = contract::PathMatchType::kPrefix;
  std::string path;                      // normal; a prefix without its final "/", so "" is every path
  std::string method;                    // empty: any
  std::vector<HeaderCondition> headers;  // each name once
  uint32_t rule = 0;                     // its place in the route
  const CompiledRoute* route = nullptr;  // which owns this match and its plan
  const RoutePlan* plan = nullptr;
};

// Whether method and headers hold; the path is the table's business.
bool holds(const CompiledMatch& match, const RequestHead& request);
// Whether `a` wins over `b` where both match and stand under the same hostname and path.
bool wins(const CompiledMatch& a, const CompiledMatch& b);

class PathTable {
 public:
  // A match that comes or goes; its route is held by `route`.
  struct Change {
    const CompiledMatch* match = nullptr;
    std::shared_ptr<const CompiledRoute> route;  // null: goes
  };

  bool empty() const { return exact_.empty() && prefix_.empty(); }
  const CompiledMatch* match(const RequestHead& request) const;
  PathTable with(std::vector<Change> changes) const;

 private:
  struct Candidate {
    const CompiledMatch* match;
    std::shared_ptr<const CompiledRoute> route;
  };
  // All that stand under one path, winners first.
  struct Candidates {
    std::string path;
    std::vector<Candidate> list;
    std::string_view key() const { return path; }
    const CompiledMatch* first_that_holds(const RequestHead& request) const;
  };
  using Map = SharedMap<Candidates>;

  const CompiledMatch* match_prefixes(const RequestHead& request) const;
  static Map::Change changed(const Map& map, std::span<Change> changes);

  Map exact_;
  Map prefix_;
  Depths prefix_depths_;
};

}  // namespace headgate::l7
