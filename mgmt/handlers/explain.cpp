// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/explain.hpp"

#include <fmt/format.h>

#include "dataplane/contract/codec.hpp"
#include "dataplane/contract/enum_names.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/core/units.hpp"
#include "mgmt/handlers/live_process.hpp"

namespace headgate::handlers {
namespace {

// A running replica of a shard, and whose it is.
struct Replica {
  std::string shard;
  std::string node;
  std::string process;
};

std::string replicas_of(const std::string& shard) { return "shard/" + shard + "/"; }

std::optional<Replica> running_replica(const compile::Model& model, const service::NodeChannels& channels,
                                       const std::string& shard) {
  for (const auto& node : model.nodes_of_shard(shard))
    if (const auto process = running_process(channels, node, replicas_of(shard)))
      return Replica{shard, node, *process};
  return std::nullopt;
}

// As a client would send it. What is no request is the replica's to say.
std::string head_of(const nlohmann::json& request) {
  auto head = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", request.value("method", "GET"),
                          request.value("path", "/"), request["host"].get<std::string>());
  for (const auto& header : request.value("headers", nlohmann::json::array()))
    head += fmt::format("{}: {}\r\n", header["name"].get<std::string>(), header["value"].get<std::string>());
  return head + "\r\n";
}

Json match_json(const contract::MatchAnswer& match) {
  Json json{{"route", match.namespace_name + "/" + match.route}, {"rule", match.rule}};
  if (!match.hostname.empty()) json["hostname"] = match.hostname;
  json["path"] = {{"type", contract::name_of(match.path_type)}, {"value", match.path}};
  json["wins"] = match.wins;
  if (match.wins) return json;
  json["lost_by"] = match.lost_by;
  if (!match.lost_by_name.empty()) json["lost_by_name"] = match.lost_by_name;
  return json;
}

Json mirrors_json(const std::vector<contract::MirrorAnswer>& mirrors) {
  Json json = Json::array();
  for (const auto& mirror : mirrors)
    json.push_back({{"pool", mirror.namespace_name + "/" + mirror.pool}, {"percent", mirror.percent}});
  return json;
}

Json endpoint_json(const contract::EndpointAnswer& endpoint, uint32_t threads) {
  Json json{{"address", endpoint.address.to_string()},
            {"weight", endpoint.weight},
            {"priority", endpoint.priority},
            {"usable", endpoint.usable},
            {"draining", endpoint.drain}};
  if (endpoint.ejecting_threads > 0)
    json["ejected"] = {{"by_threads", endpoint.ejecting_threads},
                       {"of_threads", threads},
                       {"for", format_duration(endpoint.ejected_for)}};
  return json;
}

Json forward_json(const contract::ForwardAnswer& forward, uint32_t threads) {
  Json json{{"weight", forward.weight}};
  if (forward.pool.empty()) {
    json["unresolved"] = true;
    return json;
  }
  if (!forward.hop_to.empty()) {
    json["hop_to"] = forward.hop_to;
    return json;
  }
  json["pool"] = forward.namespace_name + "/" + forward.pool;
  if (!forward.mirrors.empty()) json["mirrors"] = mirrors_json(forward.mirrors);
  json["endpoints"] = Json::array();
  for (const auto& endpoint : forward.endpoints)
    json["endpoints"].push_back(endpoint_json(endpoint, threads));
  return json;
}

Json blocks_json(const std::vector<contract::PolicyBlock>& blocks) {
  Json names = Json::array();
  for (const auto block : blocks) names.push_back(contract::name_of(block));
  return names;
}

Json answer_json(const Replica& replica, const contract::RequestAnswer& answer) {
  Json json{{"source", "live"},           {"shard", replica.shard},      {"node", replica.node},
            {"process", replica.process}, {"revision", answer.revision}, {"outcome", answer.outcome}};
  if (answer.status != 0) json["status"] = answer.status;
  if (!answer.listener.empty()) json["listener"] = answer.listener;
  if (!answer.path.empty()) json["path"] = answer.path;
  for (const auto& match : answer.matches)
    if (match.wins) json["rule"] = match.namespace_name + "/" + match.route + "/" + match.rule;
  json["forwards"] = Json::array();
  for (const auto& forward : answer.forwards)
    json["forwards"].push_back(forward_json(forward, answer.threads));
  if (!answer.mirrors.empty()) json["mirrors"] = mirrors_json(answer.mirrors);
  json["matches"] = Json::array();
  for (const auto& match : answer.matches) json["matches"].push_back(match_json(match));
  json["matches_left_out"] = answer.left_out;
  json["policies"] = Json::array();
  for (const auto& policy : answer.policies)
    json["policies"].push_back({{"policy", policy.policy},
                                {"mode", contract::name_of(policy.mode)},
                                {"counts", blocks_json(policy.counts)},
                                {"gives_way", blocks_json(policy.gives_way)}});
  return json;
}

using OnHeard = std::function<void(const Result<contract::RequestAnswer>&)>;

void ask(service::Service& service, const Replica& replica, const contract::RequestQuestion& question,
         OnHeard on_heard) {
  service.command(replica.node, {replica.process, {"", "explain", contract::encode(question)}},
                  limits::kCommandTimeout,
                  [replica, on_heard = std::move(on_heard)](const Result<contract::CommandResult>& result) {
                    on_heard(heard(replica.node, replica.process, result, contract::decode_request_answer));
                  });
}

// The shard that the request is passed on to, if it is.
std::string hop_of(const contract::RequestAnswer& answer) {
  for (const auto& forward : answer.forwards)
    if (!forward.hop_to.empty()) return forward.hop_to;
  return {};
}

// The second tier's part: of a replica on the same node, since that is where the hop leads. Where it cannot
// be asked, the first tier's part stands all the same, with the reason. On the writer's thread.
void ask_beyond_hop(const ExchangePtr& exchange, const Replica& first, const contract::RequestAnswer& answer,
                    const compile::Compiler& compiler, const service::NodeChannels& channels) {
  const auto shard = hop_of(answer);
  const auto reply = [exchange, first, answer](Json beyond) {
    auto json = answer_json(first, answer);
    json["beyond_hop"] = std::move(beyond);
    exchange->json(200, json);
  };
  const auto process = running_process(channels, first.node, replicas_of(shard));
  const auto* listener = compiler.model().find(db::Kind::kListener, answer.listener);
  if (!process || listener == nullptr)
    return reply({{"shard", shard},
                  {"unavailable",
                   fmt::format("No replica of shard {} runs on {}; see /v1/status.", shard, first.node)}});
  const Replica second{shard, first.node, *process};
  ask(exchange->service, second, {{}, head_of(exchange->body["request"]), listener->meta.uid},
      [reply, second](const Result<contract::RequestAnswer>& beyond) {
        if (beyond.ok()) return reply(answer_json(second, *beyond));
        reply({{"shard", second.shard}, {"unavailable", beyond.error().message}});
      });
}

void answer(const ExchangePtr& exchange, const Replica& replica,
            const Result<contract::RequestAnswer>& answer) {
  if (!answer.ok()) return exchange->problem(unavailable(answer.error().message));
  if (hop_of(*answer).empty()) return exchange->json(200, answer_json(replica, *answer));
  const bool taken =
      exchange->service.inspect([exchange, replica, answer = *answer](const compile::Compiler& compiler,
                                                                      const service::NodeChannels& channels) {
        ask_beyond_hop(exchange, replica, answer, compiler, channels);
      });
  if (!taken) exchange->problem(service::busy());
}

// --- packets

Json packet_json(const std::string& node, const contract::PacketAnswer& answer) {
  Json json{{"source", "live"},          {"node", node},
            {"process", "l4"},           {"revision", answer.revision},
            {"outcome", answer.outcome}, {"forwarding", contract::name_of(answer.forwarding)}};
  if (!answer.target.empty()) json["target"] = answer.target;
  if (!answer.chosen_by.empty()) json["chosen_by"] = answer.chosen_by;
  json["targets"] = Json::array();
  for (const auto& target : answer.targets) {
    json["targets"].push_back({{"target", target.name},
                               {"address", target.address.to_string()},
                               {"weight", target.weight},
                               {"usable", target.usable},
                               {"draining", target.drain}});
    if (!target.next_hop.empty()) json["targets"].back()["next_hop"] = target.next_hop;
  }
  return json;
}

void ask_about_packet(const ExchangePtr& exchange, const compile::Listener& listener,
                      const compile::Compiler& compiler, const service::NodeChannels& channels) {
  const auto nodes = packet_nodes(compiler.model(), channels, exchange->body.value("node", ""));
  if (nodes.empty()) return exchange->problem(no_packet_node());
  const auto& node = nodes.front();
  const auto client = Endpoint::parse(exchange->body["packet"]["source"].get<std::string>());
  if (!client || client->address.is_v6() != listener.address.is_v6())
    return exchange->problem(
        {422,
         "No packet is like that.",
         {{"/packet/source", "invalid_value",
           fmt::format("must be an address and port of {}'s family, like {}", listener.address.to_string(),
                       listener.address.is_v6() ? "[2001:db8::2]:40000" : "192.0.2.2:40000")}},
         {}});
  const contract::PacketQuestion question{
      *client, {listener.address, listener.port}, compile::place_of(listener).transport};
  const std::string process(contract::kAudienceL4);
  exchange->service.command(
      node, {process, {"", "explain", contract::encode(question)}}, limits::kCommandTimeout,
      [exchange, node, process](const Result<contract::CommandResult>& result) {
        const auto answer = heard(node, process, result, contract::decode_packet_answer);
        if (!answer.ok()) return exchange->problem(unavailable(answer.error().message));
        exchange->json(200, packet_json(node, *answer));
      });
}

// On the writer's thread.
void ask_first(const ExchangePtr& exchange, const compile::Compiler& compiler,
               const service::NodeChannels& channels) {
  const auto* found = named_listener(exchange, compiler.model());
  if (found == nullptr) return;
  const auto& listener = *found;
  if (exchange->body.contains("packet")) return ask_about_packet(exchange, listener, compiler, channels);
  if (listener.pool)
    return exchange->problem({422,
                              "No shard answers for this listener.",
                              {{"/listener", "protocol_mismatch",
                                fmt::format("{} ends on a pool and sees no request: ask about a packet.",
                                            exchange->body["listener"].get<std::string>())}},
                              {}});
  const auto replica = running_replica(compiler.model(), channels, listener.shard);
  if (!replica)
    return exchange->problem(unavailable(fmt::format(
        "No replica of shard {} runs on a node that is connected; see /v1/status.", listener.shard)));
  ask(exchange->service, *replica, {{listener.address, listener.port}, head_of(exchange->body["request"])},
      [exchange, replica = *replica](const Result<contract::RequestAnswer>& heard) {
        answer(exchange, replica, heard);
      });
}

}  // namespace

void post_explain(const ExchangePtr& exchange) {
  if (exchange->body.contains("packet") == exchange->body.contains("request"))
    return exchange->problem({422,
                              "The question is about a request or a packet.",
                              {{"/request", "missing_field", "one of request and packet is needed"}},
                              {}});
  const bool taken = exchange->service.inspect(
      [exchange](const compile::Compiler& compiler, const service::NodeChannels& channels) {
        ask_first(exchange, compiler, channels);
      });
  if (!taken) exchange->problem(service::busy());
}

}  // namespace headgate::handlers
