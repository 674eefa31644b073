// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/live_process.hpp"

namespace headgate::handlers {

std::optional<std::string> running_process(const service::NodeChannels& channels, const std::string& node,
                                           std::string_view prefix) {
  const auto state = channels.states().find(node);
  if (state == channels.states().end() ||
      !service::NodeChannels::is_connected(state->second, monotonic_now()))
    return std::nullopt;
  for (const auto& process : state->second.report->processes)
    if (process.state == contract::ProcessState::kRunning && process.process.starts_with(prefix))
      return process.process;
  return std::nullopt;
}

std::vector<std::string> packet_nodes(const compile::Model& model, const service::NodeChannels& channels,
                                      const std::string& named) {
  std::vector<std::string> nodes;
  for (const auto& node : model.ingress_nodes())
    if ((named.empty() || node == named) && running_process(channels, node, contract::kAudienceL4))
      nodes.push_back(node);
  return nodes;
}

const compile::Listener* named_listener(const ExchangePtr& exchange, const compile::Model& model) {
  const auto name = exchange->body["listener"].get<std::string>();
  const auto* entry = model.find(db::Kind::kListener, name);
  if (entry != nullptr) return &entry->as<compile::Listener>();
  exchange->problem({422,
                     "The request names what is not there.",
                     {{"/listener", "not_found", fmt::format("There is no listener {}.", name)}},
                     {}});
  return nullptr;
}

http::Problem unavailable(std::string detail) { return {503, std::move(detail), {}, {{"Retry-After", "1"}}}; }

http::Problem no_packet_node() {
  return unavailable("headgate-l4 runs on no such node that takes packets and is connected; see /v1/status.");
}

}  // namespace headgate::handlers
