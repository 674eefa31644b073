// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/path_table.hpp"

#include <algorithm>
#include <utility>

namespace headgate::l7 {
namespace {

using contract::PathMatchType;

int rank_of(PathMatchType type) {
  return type == PathMatchType::kExact ? 0 : type == PathMatchType::kPrefix ? 1 : 2;
}

// Which is tried first. Of prefixes that hold for one path the longer has more elements.
bool comes_first(const HeldMatch& held_a, const HeldMatch& held_b) {
  const CompiledMatch& a = *held_a.match;
  const CompiledMatch& b = *held_b.match;
  if (a.path_type != b.path_type) return rank_of(a.path_type) < rank_of(b.path_type);
  if (a.path_type == PathMatchType::kRegex) return wins(a, b);
  if (a.path.size() != b.path.size()) return a.path.size() > b.path.size();
  return a.path != b.path ? a.path < b.path : wins(a, b);
}

}  // namespace

PathTable::PathTable(std::vector<HeldMatch> few) {
  if (few.empty()) return;
  if (few.size() == 1) {
    rules_ = std::move(few.front());
    return;
  }
  std::sort(few.begin(), few.end(), comes_first);
  few.shrink_to_fit();
  rules_ = std::move(few);
}

PathTable::PathTable(const PathIndex& index) {
  if (!index.empty()) rules_ = std::make_shared<const PathIndex>(index);
}

const CompiledMatch* PathTable::match(const RequestHead& request) const {
  if (const auto* many = index()) return many->match(request);
  if (!request.path.starts_with('/')) return nullptr;
  for (const auto& [match, route] : few()) {
    const bool may_hold = match->path_type == PathMatchType::kRegex || path_holds(*match, request.path);
    if (may_hold && first_failure(*match, request).condition == Condition::kNone) return match;
  }
  return nullptr;
}

PathTable PathTable::with(std::vector<Change> changes) const {
  if (const auto* many = index()) return PathTable(many->with(std::move(changes)));
  std::vector<HeldMatch> all(few().begin(), few().end());
  for (auto& change : changes) {
    if (change.route)
      all.push_back(std::move(change));
    else
      std::erase_if(all, [&](const HeldMatch& known) { return known.match == change.match; });
  }
  return all.size() > kFewMax ? PathTable(PathIndex{}.with(std::move(all))) : PathTable(std::move(all));
}

}  // namespace headgate::l7
