// SPDX-License-Identifier: Apache-2.0
// PathTable: the rules of one hostname of one listener by path; of those that match a request it finds the
// one that HTTP.md's precedence prefers: exact path, longest prefix by elements, expression, then method,
// number of headers, number of query parameters, age, namespace/name, order in the route. Immutable; with()
// shares with its predecessor what stays. Threads: with() the control thread; match() any.
//
// Most hostnames have a rule or two, and there may be 100,000 hostnames: a few rules are a list, winners
// first, tried in turn. More have a PathIndex, which says what a look-up costs.
#pragma once

#include <memory>
#include <vector>

#include "dataplane/l7/path_index.hpp"

namespace headgate::l7 {

class PathTable {
 public:
  using Change = PathIndex::Change;

  bool empty() const { return few_.empty() && !index_; }
  const CompiledMatch* match(const RequestHead& request) const;
  PathTable with(std::vector<Change> changes) const;

  // All of them, in no order.
  template <typename Visitor>
  void for_each(Visitor&& visit) const {
    const auto visit_match = [&](const HeldMatch& held) { visit(*held.match); };
    for (const auto& held : few_) visit_match(held);
    if (index_) index_->for_each(visit_match);
  }

 private:
  static constexpr std::size_t kFewMax = 8;

  std::vector<HeldMatch> few_;
  std::shared_ptr<const PathIndex> index_;  // never empty; not given up before it would be
};

}  // namespace headgate::l7
