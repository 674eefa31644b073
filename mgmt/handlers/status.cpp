// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/status.hpp"

#include "dataplane/contract/enum_names.hpp"

namespace headgate::handlers {
namespace {

Json notices_json(const std::vector<contract::Notice>& notices) {
  Json json = Json::array();
  for (const auto& notice : notices)
    json.push_back({{"code", notice.code}, {"text", notice.text}, {"fault", notice.fault}});
  return json;
}

Json process_json(const contract::ProcessStatus& process) {
  return {{"process", process.process},
          {"state", contract::name_of(process.state)},
          {"pid", process.pid},
          {"revision", process.revision},
          {"refused_reason", process.refused_reason},
          {"restarts", process.restarts},
          {"last_exit", process.last_exit},
          {"notices", notices_json(process.notices)}};
}

Json health_json(const contract::MemberHealth& member) {
  Json json{{"group", member.key.group}, {"member", member.key.member}, {"endpoints", Json::array()}};
  for (const auto& endpoint : member.endpoints)
    json["endpoints"].push_back({{"endpoint", endpoint.endpoint.to_string()},
                                 {"usable", endpoint.usable},
                                 {"reason", endpoint.reason}});
  return json;
}

Json restart_json(const contract::ShardRestart& restart) {
  return {{"shard", restart.shard},
          {"state", contract::name_of(restart.state)},
          {"replicas", restart.replicas},
          {"replaced", restart.replaced},
          {"reason", restart.reason}};
}

Json node_json(const std::string& name, const service::NodeState* state) {
  const bool is_connected = state != nullptr && service::NodeChannels::is_connected(*state, monotonic_now());
  Json json{{"name", name}, {"connected", is_connected}};
  if (state == nullptr || !state->report) return json;
  const auto& report = *state->report;
  json["last_report_at"] = format_time(state->reported_at_unix_ms);
  json["received"] = report.received;
  json["applied"] = report.applied;
  json["refused_reason"] = report.refused_reason;
  json["notices"] = notices_json(report.notices);
  json["processes"] = Json::array();
  for (const auto& process : report.processes) json["processes"].push_back(process_json(process));
  json["restarts"] = Json::array();
  for (const auto& restart : report.restarts) json["restarts"].push_back(restart_json(restart));
  json["health"] = Json::array();
  for (const auto& member : report.health) json["health"].push_back(health_json(member));
  return json;
}

const service::NodeState* state_of(const service::NodeChannels& channels, const std::string& node) {
  const auto found = channels.states().find(node);
  return found == channels.states().end() ? nullptr : &found->second;
}

Json traffic_json(const contract::Traffic& traffic) {
  Json classes = Json::object();
  for (std::size_t i = 0; i < traffic.by_class.size() && i < contract::kStatusClasses.size(); ++i)
    classes[std::string(contract::kStatusClasses[i])] = traffic.by_class[i];
  return {{"listener", traffic.listener},
          {"route", traffic.route},
          {"pool", traffic.pool},
          {"requests", std::move(classes)},
          {"durations", traffic.by_duration},
          {"duration_us", traffic.duration_us}};
}

Json bounds_json() {
  Json bounds = Json::array();
  for (const auto bound : contract::kDurationBounds) bounds.push_back(bound.count());
  return bounds;
}

}  // namespace

void get_status(const ExchangePtr& exchange) {
  const bool taken = exchange->service.inspect(
      [exchange](const compile::Compiler& compiler, const service::NodeChannels& channels) {
        Json answer{{"revision", compiler.revision()},
                    {"applied", exchange->service.acknowledgements().applied()},
                    {"nodes", Json::array()}};
        for (const auto* node : compiler.model().all(db::Kind::kNode))
          answer["nodes"].push_back(node_json(node->key.name, state_of(channels, node->key.name)));
        exchange->json(200, answer);
      });
  if (!taken) exchange->problem(service::busy());
}

void get_stats(const ExchangePtr& exchange) {
  const bool taken = exchange->service.inspect([exchange](const compile::Compiler&,
                                                          const service::NodeChannels& channels) {
    Json answer{{"nodes", Json::array()}, {"duration_bounds_ms", bounds_json()}};
    for (const auto& [name, state] : channels.states()) {
      Json node{{"name", name}, {"at", format_time(state.stats_at_unix_ms)}, {"processes", Json::array()}};
      for (const auto& process : state.stats) {
        Json samples = Json::array();
        for (const auto& sample : process.stats.samples)
          samples.push_back({{"name", sample.name}, {"labels", sample.labels}, {"value", sample.value}});
        Json traffic = Json::array();
        for (const auto& way : process.stats.traffic) traffic.push_back(traffic_json(way));
        node["processes"].push_back(
            {{"process", process.process}, {"samples", std::move(samples)}, {"traffic", std::move(traffic)}});
      }
      answer["nodes"].push_back(std::move(node));
    }
    exchange->json(200, answer);
  });
  if (!taken) exchange->problem(service::busy());
}

}  // namespace headgate::handlers
