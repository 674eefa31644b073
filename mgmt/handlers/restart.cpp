// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/restart.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "dataplane/core/limits.hpp"

namespace headgate::handlers {
namespace {

struct NodeAnswer {
  std::string node;
  std::string refusal;       // empty: it has begun
  bool is_reachable = true;  // the refusal is the node's own
};

// The answers as they come; the last one answers the client. On the writer's thread.
struct Restart {
  ExchangePtr exchange;
  std::string shard;
  std::vector<NodeAnswer> nodes;
  std::size_t missing = 0;
};

void answer(const Restart& restart) {
  Json nodes = Json::array();
  std::string refusals;
  bool begun = false, refused = false;
  for (const auto& node : restart.nodes) {
    Json json{{"node", node.node}, {"accepted", node.refusal.empty()}};
    if (node.refusal.empty()) {
      begun = true;
    } else {
      json["reason"] = node.refusal;
      refused = refused || node.is_reachable;
      refusals += fmt::format(" {}: {}.", node.node, node.refusal);
    }
    nodes.push_back(std::move(json));
  }
  if (begun) return restart.exchange->json(202, {{"shard", restart.shard}, {"nodes", std::move(nodes)}});
  restart.exchange->problem(
      {refused ? 409 : 503, fmt::format("No node restarts shard {}.{}", restart.shard, refusals), {}, {}});
}

void ask(const std::shared_ptr<Restart>& restart, const std::string& node) {
  restart->exchange->service.command(
      node, {contract::audience_of_shard(restart->shard), {"", "restart", "{}"}}, limits::kCommandTimeout,
      [restart, node](const Result<contract::CommandResult>& result) {
        if (!result.ok())
          restart->nodes.push_back({node, result.error().message, false});
        else
          restart->nodes.push_back({node, result->ok ? "" : result->body, true});
        if (--restart->missing == 0) answer(*restart);
      });
}

bool is_restarting(const service::NodeState& state, const std::string& shard) {
  const auto& restarts = state.report->restarts;
  return std::any_of(restarts.begin(), restarts.end(), [&](const contract::ShardRestart& restart) {
    return restart.shard == shard && restart.state == contract::RestartState::kRunning;
  });
}

// On the writer's thread.
void begin(const ExchangePtr& exchange, const compile::Compiler& compiler,
           const service::NodeChannels& channels) {
  const auto& shard = exchange->parameter("name");
  if (compiler.model().find(db::Kind::kShard, shard) == nullptr)
    return exchange->problem({404, fmt::format("There is no shard {}.", shard), {}, {}});
  auto restart = std::make_shared<Restart>(Restart{exchange, shard, {}, 0});
  std::vector<std::string> connected;
  for (const auto& node : compiler.model().nodes_of_shard(shard)) {
    const auto state = channels.states().find(node);
    if (state == channels.states().end() ||
        !service::NodeChannels::is_connected(state->second, monotonic_now())) {
      restart->nodes.push_back({node, "it is not connected", false});
      continue;
    }
    if (is_restarting(state->second, shard))
      return exchange->problem(
          {409, fmt::format("A restart of shard {} is under way on node {}.", shard, node), {}, {}});
    connected.push_back(node);
  }
  if (connected.empty()) return answer(*restart);
  const auto recorded = exchange->service.store().record_action(exchange->principal.author(), "restart",
                                                                db::Kind::kShard, shard);
  if (!recorded.ok()) return exchange->storage_failed(recorded.error());
  restart->missing = connected.size();
  for (const auto& node : connected) ask(restart, node);
}

}  // namespace

void post_restart(const ExchangePtr& exchange) {
  const bool taken = exchange->service.inspect(
      [exchange](const compile::Compiler& compiler, const service::NodeChannels& channels) {
        begin(exchange, compiler, channels);
      });
  if (!taken) exchange->problem(service::busy());
}

}  // namespace headgate::handlers
