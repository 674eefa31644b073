// SPDX-License-Identifier: Apache-2.0
// HostTable<V>: values by hostname pattern, visited from the most specific one that matches: exact, then
// wildcards from the longest, then any. V is small, cheap to copy, and false where it is none. Immutable;
// with() shares with its predecessor what stays. Threads: with() the control thread; visit() any. Cost: one
// look-up, and one for each number of labels that the table's wildcards have.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "dataplane/l7/depths.hpp"
#include "dataplane/l7/host_pattern.hpp"
#include "dataplane/l7/shared_map.hpp"

namespace headgate::l7 {

template <typename V>
class HostTable {
 public:
  struct Change {
    HostPattern pattern;
    V value;  // none: removed
  };

  bool empty() const { return exact_.empty() && wildcard_.empty() && !any_; }

  V find(const HostPattern& pattern) const {
    if (pattern.kind == HostKind::kAny) return any_;
    const auto& map = pattern.kind == HostKind::kExact ? exact_ : wildcard_;
    const Entry* entry = map.find(hash_of(pattern), pattern.name);
    return entry ? entry->value : V{};
  }

  // Each pattern at most once.
  HostTable with(const std::vector<Change>& changes) const {
    HostTable next = *this;
    std::vector<typename Map::Change> exact;
    std::vector<typename Map::Change> wildcard;
    for (const auto& change : changes) {
      if (change.pattern.kind == HostKind::kAny) {
        next.any_ = change.value;
        continue;
      }
      const auto entry =
          change.value ? std::make_shared<const Entry>(Entry{change.pattern.name, change.value}) : nullptr;
      const uint64_t hash = hash_of(change.pattern);
      if (change.pattern.kind == HostKind::kExact) {
        exact.push_back({hash, change.pattern.name, entry});
        continue;
      }
      next.count_wildcard(hash, change);
      wildcard.push_back({hash, change.pattern.name, entry});
    }
    next.exact_ = exact_.with(std::move(exact));
    next.wildcard_ = wildcard_.with(std::move(wildcard));
    return next;
  }

  // Calls visit(const V&) until it returns true; whether it did.
  template <typename Visitor>
  bool visit(std::string_view host, Visitor&& visit) const {
    if (!exact_.empty())
      if (const Entry* entry = exact_.find(hash_text(host), host); entry && visit(entry->value)) return true;
    if (!wildcard_depths_.empty() && visit_wildcards(host, visit)) return true;
    return any_ && visit(any_);
  }

  // Calls visit(HostKind, name, const V&) for each, in no order.
  template <typename Visitor>
  void for_each(Visitor&& visit) const {
    exact_.for_each([&](const Entry& entry) { visit(HostKind::kExact, entry.name, entry.value); });
    wildcard_.for_each([&](const Entry& entry) { visit(HostKind::kWildcard, entry.name, entry.value); });
    if (any_) visit(HostKind::kAny, std::string(), any_);
  }

 private:
  struct Entry {
    std::string name;
    V value;
    std::string_view key() const { return name; }
  };
  using Map = SharedMap<Entry>;

  static uint64_t hash_of(const HostPattern& pattern) {
    if (pattern.kind == HostKind::kExact) return hash_text(pattern.name);
    const HostSuffixes suffixes(pattern.name);
    return suffixes.hash(suffixes.labels());
  }

  void count_wildcard(uint64_t hash, const Change& change) {
    const bool known = wildcard_.find(hash, change.pattern.name) != nullptr;
    if (known == bool(change.value)) return;
    const std::size_t labels = HostSuffixes(change.pattern.name).labels();
    change.value ? wildcard_depths_.add(labels) : wildcard_depths_.remove(labels);
  }

  template <typename Visitor>
  bool visit_wildcards(std::string_view host, Visitor&& visit) const {
    const HostSuffixes suffixes(host);
    bool done = false;
    wildcard_depths_.visit_from(suffixes.labels() - 1, [&](std::size_t labels) {
      const Entry* entry = wildcard_.find(suffixes.hash(labels), suffixes.text(labels));
      done = entry && visit(entry->value);
      return done;
    });
    return done;
  }

  Map exact_;
  Map wildcard_;
  Depths wildcard_depths_;
  V any_{};
};

}  // namespace headgate::l7
