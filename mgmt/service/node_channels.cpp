// SPDX-License-Identifier: Apache-2.0
#include "mgmt/service/node_channels.hpp"

#include <algorithm>

#include "dataplane/core/limits.hpp"

namespace headgate::service {

void NodeChannels::poll(const std::string& node, Revision base, TimePoint deadline, OnUpdate on_update) {
  if (const auto older = polls_.find(node); older != polls_.end()) {
    const auto answer_older = std::move(older->second.on_update);
    polls_.erase(older);
    answer_older(std::nullopt);
  }
  polls_[node] = {base, deadline, std::move(on_update)};
  answer(node);
}

void NodeChannels::answer(const std::string& node) {
  const auto waiting = polls_.find(node);
  if (waiting == polls_.end()) return;
  contract::NodeUpdate update;
  auto delta = delta_since_(node, waiting->second.base);
  const bool is_news = delta && (delta->base == 0 || !delta->empty());
  if (is_news) update.delta = std::move(delta);
  if (const auto commands = outgoing_.find(node); commands != outgoing_.end()) {
    update.commands.assign(std::move_iterator(commands->second.begin()),
                           std::move_iterator(commands->second.end()));
    outgoing_.erase(commands);
  }
  if (!update.delta && update.commands.empty()) return;
  const auto on_update = std::move(waiting->second.on_update);
  polls_.erase(waiting);
  on_update(std::move(update));
}

void NodeChannels::report(const std::string& node, contract::NodeReport report, TimePoint now,
                          int64_t unix_now_ms) {
  const auto results = std::exchange(report.results, {});
  NodeState& state = states_[node];
  if (auto stats = std::exchange(report.stats, std::nullopt)) {
    state.stats = *std::move(stats);
    state.stats_at_unix_ms = unix_now_ms;
  }
  state.report = std::move(report);
  state.reported_at = now;
  state.reported_at_unix_ms = unix_now_ms;
  for (const auto& result : results) {
    const auto sent = sent_.find(result.id);
    if (sent == sent_.end() || sent->second.node != node) continue;  // late, or not this node's to answer
    const auto on_result = std::move(sent->second.on_result);
    sent_.erase(sent);
    on_result(result);
  }
}

void NodeChannels::command(const std::string& node, contract::AddressedCommand command, TimePoint deadline,
                           OnResult on_result) {
  auto& outgoing = outgoing_[node];
  const auto waiting =
      std::count_if(sent_.begin(), sent_.end(), [&](const auto& s) { return s.second.node == node; });
  if (static_cast<std::size_t>(waiting) >= limits::kCommandsPerNodeMax)
    return on_result(Error{ErrorCode::kExhausted, "too many commands wait for node " + node});
  command.command.id = std::to_string(next_command_++);
  sent_[command.command.id] = {node, deadline, std::move(on_result)};
  outgoing.push_back(std::move(command));
  answer(node);
}

void NodeChannels::committed(const std::vector<std::string>& concerned) {
  for (const auto& node : concerned) answer(node);
}

void NodeChannels::removed(const std::string& node) {
  states_.erase(node);
  outgoing_.erase(node);
  if (const auto waiting = polls_.find(node); waiting != polls_.end()) {
    const auto on_update = std::move(waiting->second.on_update);
    polls_.erase(waiting);
    on_update(std::nullopt);
  }
}

void NodeChannels::expire(TimePoint now) {
  for (auto at = polls_.begin(); at != polls_.end();) {
    if (at->second.deadline > now) {
      ++at;
      continue;
    }
    // Revisions that do not concern the node still move its base, so that it stays near enough for a delta.
    auto delta = delta_since_(at->first, at->second.base);
    const auto on_update = std::move(at->second.on_update);
    const auto base = at->second.base;
    at = polls_.erase(at);
    if (delta && delta->revision > base) {
      on_update(contract::NodeUpdate{std::move(delta), {}});
    } else {
      on_update(std::nullopt);
    }
  }
  for (auto at = sent_.begin(); at != sent_.end();) {
    if (at->second.deadline > now) {
      ++at;
      continue;
    }
    const auto sent = std::move(at->second);
    const auto id = at->first;
    at = sent_.erase(at);
    if (const auto outgoing = outgoing_.find(sent.node); outgoing != outgoing_.end())
      std::erase_if(outgoing->second, [&](const auto& command) { return command.command.id == id; });
    sent.on_result(Error{ErrorCode::kUnavailable, "node " + sent.node + " did not answer in time"});
  }
}

void NodeChannels::stop() { expire(TimePoint::max()); }

TimePoint NodeChannels::next_deadline() const {
  auto next = TimePoint::max();
  for (const auto& [node, waiting] : polls_) next = std::min(next, waiting.deadline);
  for (const auto& [id, sent] : sent_) next = std::min(next, sent.deadline);
  return next;
}

bool NodeChannels::is_connected(const NodeState& state, TimePoint now) {
  return state.report && now - state.reported_at <= limits::kNodeSilentAfter;
}

}  // namespace headgate::service
