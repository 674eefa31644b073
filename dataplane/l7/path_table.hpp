// SPDX-License-Identifier: Apache-2.0
// PathTable: the rules of one hostname of one listener by path; of those that match a request it finds the
// one that HTTP.md's precedence prefers: exact path, longest prefix by elements, expression, then method,
// number of headers, number of query parameters, age, namespace/name, order in the route. Immutable; with()
// shares with its predecessor what stays. Threads: with() the control thread; match() any.
//
// Most hostnames have one rule, and there may be 100,000 hostnames: that one is all that their table holds. A
// few rules are a list, winners first, tried in turn. More have a PathIndex, which says what a look-up costs.
#pragma once

#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "dataplane/l7/path_index.hpp"

namespace headgate::l7 {

class PathTable {
 public:
  using Change = PathIndex::Change;

  PathTable() = default;

  bool empty() const { return few().empty() && !index(); }
  explicit operator bool() const { return !empty(); }
  const CompiledMatch* match(const RequestHead& request) const;
  PathTable with(std::vector<Change> changes) const;

  // All of them, in no order.
  template <typename Visitor>
  void for_each(Visitor&& visit) const {
    const auto visit_match = [&](const HeldMatch& held) { visit(*held.match); };
    for (const auto& held : few()) visit_match(held);
    if (index()) index()->for_each(visit_match);
  }

 private:
  static constexpr std::size_t kFewMax = 8;
  using One = HeldMatch;                           // of nothing: none
  using Few = std::vector<HeldMatch>;              // two or more
  using Index = std::shared_ptr<const PathIndex>;  // never empty; not given up before it would be

  explicit PathTable(std::vector<HeldMatch> few);
  explicit PathTable(const PathIndex& index);

  std::span<const HeldMatch> few() const {
    if (const auto* one = std::get_if<One>(&rules_)) return {one, one->match ? 1U : 0U};
    if (const auto* few = std::get_if<Few>(&rules_)) return *few;
    return {};
  }
  const PathIndex* index() const {
    const auto* index = std::get_if<Index>(&rules_);
    return index ? index->get() : nullptr;
  }

  std::variant<One, Few, Index> rules_;
};

}  // namespace headgate::l7
