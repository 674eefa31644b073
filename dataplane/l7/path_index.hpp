// SPDX-License-Identifier: Apache-2.0
// PathIndex: a PathTable's rules by path where there are many. Immutable; with() shares with its predecessor
// what stays. Threads: with() the control thread; match() any.
//
// Cost: a look-up for the exact path and one for each length in elements that the table's prefixes have; then
// the rules under the very same path in turn, which only methods, headers and query tell apart. Expressions
// stand under the whole elements that all their matches begin with ("/api/v[0-9]+/x" under "/api"), so only
// those are run that the request's own beginning leaves open.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/l7/compiled_match.hpp"
#include "dataplane/l7/depths.hpp"
#include "dataplane/l7/http_message.hpp"
#include "dataplane/l7/shared_map.hpp"

namespace headgate::l7 {

class PathIndex {
 public:
  using Change = HeldMatch;  // held by nobody: goes

  bool empty() const { return exact_.empty() && prefix_.empty() && expression_.empty(); }
  const CompiledMatch* match(const RequestHead& request) const;
  PathIndex with(std::vector<Change> changes) const;

  // All of them, as HeldMatch, in no order.
  template <typename Visitor>
  void for_each(Visitor&& visit) const {
    for (const auto* map : {&exact_, &prefix_, &expression_})
      map->for_each([&](const Candidates& candidates) {
        for (const auto& held : candidates.list) visit(held);
      });
  }

 private:
  // All that stand under one path, winners first.
  struct Candidates {
    std::string path;
    std::vector<HeldMatch> list;
    std::string_view key() const { return path; }
    const CompiledMatch* first_that_holds(const RequestHead& request) const;
  };
  using Map = SharedMap<Candidates>;

  const CompiledMatch* match_prefixes(const RequestHead& request) const;
  const CompiledMatch* match_expressions(const RequestHead& request) const;
  static Map::Change changed(const Map& map, std::span<Change> changes);
  static void count(Depths& depths, const Map& before, const Map::Change& change);

  Map exact_;
  Map prefix_;
  Map expression_;
  Depths prefix_depths_;
  Depths expression_depths_;
};

}  // namespace headgate::l7
