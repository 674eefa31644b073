// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/configuration_feed.hpp"

#include <map>
#include <utility>

#include "dataplane/core/assert.hpp"

namespace headgate::node {
namespace {

using contract::Delta;
using contract::ObjectKey;
using contract::ObjectPtr;

// Several deltas of a row as one: the last word on each key counts.
Delta merge(std::vector<Delta> deltas) {
  if (deltas.size() == 1) return std::move(deltas.front());
  std::map<ObjectKey, ObjectPtr> last;  // null: removed
  for (auto& delta : deltas) {
    for (auto& key : delta.removals) last.insert_or_assign(std::move(key), nullptr);
    for (auto& [key, object] : delta.upserts) last.insert_or_assign(std::move(key), std::move(object));
  }
  Delta all{.base = 0, .revision = deltas.back().revision, .upserts = {}, .removals = {}};
  for (auto& [key, object] : last) {
    if (object == nullptr)
      all.removals.push_back(key);
    else
      all.upserts.push_back({key, std::move(object)});
  }
  return all;
}

}  // namespace

void ConfigurationFeed::on_delta(const Delta& delta) {
  applied_ = applied();
  node_revision_ = delta.revision;
  if (delta.base == 0) {
    full_wanted_ = true;
    parked_ = false;
    pending_.clear();
    return;
  }
  auto part = contract::filter(delta, audience_);
  if (part.empty()) return;
  parked_ = false;
  if (!full_wanted_) pending_.push_back(std::move(part));
}

void ConfigurationFeed::on_lost() {
  greeted_ = false;
  full_wanted_ = full_wanted_ || awaited_.has_value();  // whether it took what was under way is not known
  awaited_.reset();
}

void ConfigurationFeed::on_hello(contract::Revision revision) {
  on_lost();
  greeted_ = true;
  parked_ = false;
  if (revision != 0 && revision == held_) return;
  applied_ = applied();
  held_ = 0;
  full_wanted_ = true;
  pending_.clear();
}

void ConfigurationFeed::on_acknowledgement(const contract::Acknowledgement& acknowledgement) {
  // Else it answers what a connection before this one asked.
  if (awaited_ != acknowledgement.revision) return;
  awaited_.reset();
  if (acknowledgement.applied) {
    held_ = applied_ = acknowledgement.revision;
    refused_reason_.clear();
    return;
  }
  refused_reason_ = acknowledgement.reason.empty() ? "refused without a reason" : acknowledgement.reason;
  parked_ = !full_wanted_ && pending_.empty();
  full_wanted_ = true;
  pending_.clear();
}

std::optional<contract::Configure> ConfigurationFeed::next(const contract::Snapshot& snapshot) {
  if (!greeted_ || awaited_ || parked_ || snapshot.revision == 0) return std::nullopt;
  HG_ASSERT(snapshot.revision == node_revision_);
  contract::Configure configure;
  if (full_wanted_) {
    configure.delta = contract::full(contract::filter(snapshot, audience_));
  } else if (!pending_.empty()) {
    configure.delta = merge(std::move(pending_));
    configure.delta.base = held_;
  } else {
    return std::nullopt;
  }
  pending_.clear();
  full_wanted_ = false;
  awaited_ = configure.delta.revision;
  return configure;
}

}  // namespace headgate::node
