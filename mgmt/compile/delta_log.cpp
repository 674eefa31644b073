// SPDX-License-Identifier: Apache-2.0
#include "mgmt/compile/delta_log.hpp"

#include <algorithm>
#include <map>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/limits.hpp"

namespace headgate::compile {
namespace {

std::size_t count(const contract::Delta& delta) { return delta.upserts.size() + delta.removals.size(); }

}  // namespace

void DeltaLog::push(contract::Delta delta) {
  HG_ASSERT(delta.revision > (deltas_.empty() ? start_ : deltas_.back().revision));
  object_count_ += count(delta);
  deltas_.push_back(std::move(delta));
  while (deltas_.size() > limits::kDeltaLogLengthMax || object_count_ > limits::kDeltaLogObjectsMax)
    forget_oldest();
}

void DeltaLog::forget_oldest() {
  start_ = deltas_.front().revision;
  object_count_ -= count(deltas_.front());
  deltas_.pop_front();
}

std::optional<contract::Delta> DeltaLog::since(contract::Revision base, contract::Revision now) const {
  if (base < start_ || base > now) return std::nullopt;
  const auto newer =
      std::upper_bound(deltas_.begin(), deltas_.end(), base,
                       [](auto revision, const auto& delta) { return revision < delta.revision; });
  std::map<contract::ObjectKey, contract::ObjectPtr> latest;  // null: removed
  for (auto delta = newer; delta != deltas_.end(); ++delta) {
    for (const auto& key : delta->removals) latest[key] = nullptr;
    for (const auto& [key, object] : delta->upserts) latest[key] = object;
  }
  contract::Delta merged{.base = base, .revision = now, .upserts = {}, .removals = {}};
  for (auto& [key, object] : latest) {
    if (object)
      merged.upserts.push_back({key, object});
    else
      merged.removals.push_back(key);
  }
  return merged;
}

}  // namespace headgate::compile
