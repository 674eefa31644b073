// SPDX-License-Identifier: Apache-2.0
#include "dataplane/contract/snapshot.hpp"

#include <algorithm>

namespace headgate::contract {
namespace {

constexpr std::string_view kShardPrefix = "shard/";

bool same(const ObjectPtr& a, const ObjectPtr& b) { return a == b || *a == *b; }

}  // namespace

std::string audience_of_shard(std::string_view shard) { return std::string(kShardPrefix).append(shard); }

std::string_view shard_of_audience(std::string_view audience) {
  return audience.starts_with(kShardPrefix) ? audience.substr(kShardPrefix.size()) : std::string_view{};
}

bool operator==(const Snapshot& a, const Snapshot& b) {
  return a.revision == b.revision && std::equal(a.objects.begin(), a.objects.end(), b.objects.begin(),
                                                b.objects.end(), [](const auto& x, const auto& y) {
                                                  return x.first == y.first && same(x.second, y.second);
                                                });
}

Delta diff(const Snapshot& base, const Snapshot& next) {
  Delta delta{.base = base.revision, .revision = next.revision, .upserts = {}, .removals = {}};
  auto old_entry = base.objects.begin();
  for (const auto& [key, object] : next.objects) {
    for (; old_entry != base.objects.end() && old_entry->first < key; ++old_entry)
      delta.removals.push_back(old_entry->first);
    const bool known = old_entry != base.objects.end() && old_entry->first == key;
    if (!known || !same(old_entry->second, object)) delta.upserts.push_back({key, object});
    if (known) ++old_entry;
  }
  for (; old_entry != base.objects.end(); ++old_entry) delta.removals.push_back(old_entry->first);
  return delta;
}

Delta full(const Snapshot& snapshot) {
  Delta delta{.base = 0, .revision = snapshot.revision, .upserts = {}, .removals = {}};
  delta.upserts.reserve(snapshot.objects.size());
  for (const auto& [key, object] : snapshot.objects) delta.upserts.push_back({key, object});
  return delta;
}

Result<void> check_base(Revision held, const Delta& delta) {
  if (delta.base == 0 || delta.base == held) return {};
  return Error{ErrorCode::kConflict, "the delta starts at revision " + std::to_string(delta.base) +
                                         ", this process is at " + std::to_string(held)};
}

Result<void> apply(Snapshot& snapshot, const Delta& delta) {
  if (auto checked = check_base(snapshot.revision, delta); !checked.ok()) return checked;
  if (delta.base == 0) snapshot.objects.clear();
  for (const auto& key : delta.removals) snapshot.objects.erase(key);
  for (const auto& [key, object] : delta.upserts) snapshot.objects.insert_or_assign(key, object);
  snapshot.revision = delta.revision;
  return {};
}

Delta filter(const Delta& delta, std::string_view audience) {
  Delta part{.base = delta.base, .revision = delta.revision, .upserts = {}, .removals = {}};
  std::copy_if(delta.upserts.begin(), delta.upserts.end(), std::back_inserter(part.upserts),
               [&](const Upsert& upsert) { return upsert.key.audience == audience; });
  std::copy_if(delta.removals.begin(), delta.removals.end(), std::back_inserter(part.removals),
               [&](const ObjectKey& key) { return key.audience == audience; });
  return part;
}

Snapshot filter(const Snapshot& snapshot, std::string_view audience) {
  Snapshot part{.revision = snapshot.revision, .objects = {}};
  for (auto entry = snapshot.objects.lower_bound({std::string(audience), Kind{}, {}});
       entry != snapshot.objects.end() && entry->first.audience == audience; ++entry)
    part.objects.insert(part.objects.end(), *entry);
  return part;
}

}  // namespace headgate::contract
