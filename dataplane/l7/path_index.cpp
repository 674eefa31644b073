// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/path_index.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include "dataplane/core/limits.hpp"
#include "dataplane/l7/compiled_route.hpp"

namespace headgate::l7 {
namespace {

using contract::PathMatchType;

// Exact paths hash whole; prefixes hash element by element, so that one pass over a request's path gives the
// hashes of all its prefixes.
struct PrefixWalk {
  std::array<uint64_t, limits::kRoutePathElementsMax + 1> hashes;
  std::array<std::size_t, limits::kRoutePathElementsMax + 1> ends;
  std::size_t depth = 0;

  PrefixWalk(std::string_view path, std::size_t depth_max) {
    hashes[0] = hash_text({});
    ends[0] = 0;
    while (depth < depth_max && ends[depth] < path.size()) {  // there stands a "/"
      const std::size_t begin = ends[depth] + 1;
      const auto slash = path.find('/', begin);
      const std::size_t end = slash == std::string_view::npos ? path.size() : slash;
      hashes[depth + 1] = hash_text(path.substr(begin, end - begin), hashes[depth]);
      ends[++depth] = end;
    }
  }
};

std::size_t elements_of(std::string_view prefix) {
  return static_cast<std::size_t>(std::count(prefix.begin(), prefix.end(), '/'));
}

uint64_t hash_of(PathMatchType type, std::string_view path) {
  if (type == PathMatchType::kExact) return hash_text(path);
  const PrefixWalk walk(path, limits::kRoutePathElementsMax);
  return walk.hashes[walk.depth];
}

bool same_key(const CompiledMatch& a, const CompiledMatch& b) {
  return a.path_type == b.path_type && a.path == b.path;
}

}  // namespace

const CompiledMatch* PathIndex::Candidates::first_that_holds(const RequestHead& request) const {
  for (const auto& candidate : list)
    if (first_failure(*candidate.match, request).condition == Condition::kNone) return candidate.match;
  return nullptr;
}

const CompiledMatch* PathIndex::match(const RequestHead& request) const {
  if (!request.path.starts_with('/')) return nullptr;
  if (!exact_.empty())
    if (const auto* exact = exact_.find(hash_text(request.path), request.path))
      if (const auto* match = exact->first_that_holds(request)) return match;
  if (!prefix_depths_.empty())
    if (const auto* match = match_prefixes(request)) return match;
  return expression_depths_.empty() ? nullptr : match_expressions(request);
}

const CompiledMatch* PathIndex::match_prefixes(const RequestHead& request) const {
  const PrefixWalk walk(request.path, prefix_depths_.deepest());
  const CompiledMatch* match = nullptr;
  prefix_depths_.visit_from(walk.depth, [&](std::size_t depth) {
    const auto* found = prefix_.find(walk.hashes[depth], request.path.substr(0, walk.ends[depth]));
    if (found) match = found->first_that_holds(request);
    return match != nullptr;
  });
  return match;
}

// An expression under a shorter beginning may win over one under a longer: none is more specific.
const CompiledMatch* PathIndex::match_expressions(const RequestHead& request) const {
  const PrefixWalk walk(request.path, expression_depths_.deepest());
  const CompiledMatch* best = nullptr;
  expression_depths_.visit_from(walk.depth, [&](std::size_t depth) {
    const auto* found = expression_.find(walk.hashes[depth], request.path.substr(0, walk.ends[depth]));
    const auto* match = found ? found->first_that_holds(request) : nullptr;
    if (match && (!best || wins(*match, *best))) best = match;
    return false;
  });
  return best;
}

// `changes`: all of one path.
PathIndex::Map::Change PathIndex::changed(const Map& map, std::span<Change> changes) {
  const auto& key = *changes.front().match;
  const uint64_t hash = hash_of(key.path_type, key.path);
  const Candidates* old = map.find(hash, key.path);
  auto next = std::make_shared<Candidates>(old ? *old : Candidates{key.path, {}});
  for (const auto& change : changes) {
    if (change.route) {
      next->list.push_back({change.match, change.route});
    } else {
      std::erase_if(next->list, [&](const HeldMatch& known) { return known.match == change.match; });
    }
  }
  std::stable_sort(next->list.begin(), next->list.end(),
                   [](const HeldMatch& a, const HeldMatch& b) { return wins(*a.match, *b.match); });
  return {hash, key.path, next->list.empty() ? nullptr : std::move(next)};
}

void PathIndex::count(Depths& depths, const Map& before, const Map::Change& change) {
  const bool known = before.find(change.hash, change.key) != nullptr;
  if (known == (change.value != nullptr)) return;
  const std::size_t depth = elements_of(change.key);
  change.value ? depths.add(depth) : depths.remove(depth);
}

PathIndex PathIndex::with(std::vector<Change> changes) const {
  std::sort(changes.begin(), changes.end(), [](const Change& a, const Change& b) {
    return std::tie(a.match->path_type, a.match->path) < std::tie(b.match->path_type, b.match->path);
  });
  PathIndex next = *this;
  std::vector<Map::Change> exact;
  std::vector<Map::Change> prefix;
  std::vector<Map::Change> expression;
  for (auto first = changes.begin(); first != changes.end();) {
    const auto last = std::find_if(
        first, changes.end(), [&](const Change& change) { return !same_key(*change.match, *first->match); });
    const std::span<Change> same_path(&*first, static_cast<std::size_t>(last - first));
    first = last;
    switch (same_path.front().match->path_type) {
      case PathMatchType::kExact:
        exact.push_back(changed(exact_, same_path));
        break;
      case PathMatchType::kPrefix:
        count(next.prefix_depths_, prefix_, prefix.emplace_back(changed(prefix_, same_path)));
        break;
      case PathMatchType::kRegex:
        count(next.expression_depths_, expression_, expression.emplace_back(changed(expression_, same_path)));
        break;
    }
  }
  next.exact_ = exact_.with(std::move(exact));
  next.prefix_ = prefix_.with(std::move(prefix));
  next.expression_ = expression_.with(std::move(expression));
  return next;
}

}  // namespace headgate::l7
