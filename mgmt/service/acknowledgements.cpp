// SPDX-License-Identifier: Apache-2.0
#include "mgmt/service/acknowledgements.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "dataplane/core/limits.hpp"

namespace headgate::service {

bool Acknowledgements::Node::serves(Revision revision) const {
  if (applied >= revision) return true;
  // One that serves nothing yet lacks everything; any other only what concerns it.
  return applied > 0 && revision > concerned_up_to && !concerned.contains(revision);
}

Acknowledgements::Acknowledgements(Revision revision, const std::vector<std::string>& nodes)
    : revision_(revision) {
  for (const auto& name : nodes) nodes_[name].concerned_up_to = revision;
}

void Acknowledgements::committed(Revision revision, const std::vector<std::string>& concerned) {
  const std::lock_guard lock(mutex_);
  revision_ = revision;
  for (const auto& name : concerned) {
    auto& node = nodes_[name];
    node.concerned.insert(revision);
    if (node.concerned.size() <= limits::kRevisionsPendingMax) continue;
    node.concerned_up_to = *node.concerned.begin();
    node.concerned.erase(node.concerned.begin());
  }
}

void Acknowledgements::removed(const std::string& name) {
  const std::lock_guard lock(mutex_);
  nodes_.erase(name);
}

void Acknowledgements::reported(const std::string& name, const contract::NodeReport& report) {
  const std::lock_guard lock(mutex_);
  const auto found = nodes_.find(name);
  if (found == nodes_.end()) return;
  auto& node = found->second;
  node.has_reported = true;
  node.applied = std::min(report.applied, revision_);
  node.refused_reason = report.refused_reason;
  for (const auto& process : report.processes)
    if (node.refused_reason.empty() && !process.refused_reason.empty())
      node.refused_reason = process.process + ": " + process.refused_reason;
  node.concerned.erase(node.concerned.begin(), node.concerned.upper_bound(node.applied));
}

std::vector<Missing> Acknowledgements::missing(Revision revision) const {
  const std::lock_guard lock(mutex_);
  std::vector<Missing> missing;
  for (const auto& [name, node] : nodes_)
    if (!node.serves(revision)) missing.push_back(missing_of(name, node));
  return missing;
}

Revision Acknowledgements::applied() const {
  const std::lock_guard lock(mutex_);
  Revision applied = revision_;
  for (const auto& [name, node] : nodes_) {
    if (node.applied < node.concerned_up_to || node.applied == 0) {
      applied = std::min(applied, node.applied);
    } else if (!node.concerned.empty()) {
      applied = std::min(applied, *node.concerned.begin() - 1);
    }
  }
  return applied;
}

Missing Acknowledgements::missing_of(const std::string& name, const Node& node) {
  if (!node.has_reported) return {name, false, fmt::format("node {} has not reported yet", name)};
  if (!node.refused_reason.empty())
    return {name, true, fmt::format("node {} refuses it: {}", name, node.refused_reason)};
  return {name, false, fmt::format("node {} serves revision {}", name, node.applied)};
}

}  // namespace headgate::service
