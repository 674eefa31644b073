// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/capture.hpp"

#include <random>

#include <fmt/format.h>

#include "dataplane/contract/codec.hpp"
#include "dataplane/contract/enum_names.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/core/units.hpp"
#include "mgmt/handlers/live_process.hpp"

namespace headgate::handlers {
namespace {

using contract::CaptureRefusal;

constexpr const char* kMediaType = "application/x-pcapng";

http::Problem no_such_capture(std::string pointer, std::string code, std::string detail) {
  return {422, "There is no such capture.", {{std::move(pointer), std::move(code), std::move(detail)}}, {}};
}

std::string random_capture_id() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

// Their shapes are checked by the document.
std::optional<http::Problem> read_bounds(const nlohmann::json& body, contract::CaptureQuestion& into) {
  const auto snap_bytes =
      parse_size_bytes(body.value("snap_bytes", std::to_string(limits::kCaptureSnapBytes)));
  if (!snap_bytes || *snap_bytes < limits::kCaptureSnapBytesMin || *snap_bytes > limits::kCaptureSnapBytesMax)
    return no_such_capture("/snap_bytes", "invalid_value",
                           fmt::format("must be a size from \"{}\" to \"{}\"", limits::kCaptureSnapBytesMin,
                                       format_size_bytes(limits::kCaptureSnapBytesMax)));
  into.snap_bytes = static_cast<uint32_t>(*snap_bytes);
  into.count = body.value("count", limits::kCapturePackets);
  const std::chrono::seconds by_default = limits::kCaptureDuration;
  into.duration = std::chrono::seconds(body.value("seconds", by_default.count()));
  into.filter = body.value("filter", "");
  return std::nullopt;
}

void answer_capture(const ExchangePtr& exchange, const std::string& node,
                    const contract::CaptureAnswer& answer) {
  switch (answer.refusal) {
    case CaptureRefusal::kFilterInvalid:
      return exchange->problem(no_such_capture("/filter", "invalid_value", answer.reason + "."));
    case CaptureRefusal::kUnderWay:
      return exchange->problem(
          {409,
           fmt::format("Node {} captures for somebody else; wait until that is over.", node),
           {{"", "conflict", answer.reason + "."}},
           {{"Retry-After", "1"}}});
    case CaptureRefusal::kNone:
      break;
  }
  exchange->respond({200,
                     {{"Cache-Control", "no-store"},
                      {"Headgate-Node", node},
                      {"Headgate-Packets", std::to_string(answer.packets)},
                      {"Headgate-Lost", std::to_string(answer.lost)},
                      {"Headgate-Ended-By", std::string(contract::name_of(answer.ended_by))}},
                     kMediaType,
                     answer.pcapng.value});
}

// The node to ask: packets of a listener come to each of several, and a capture is of one.
std::optional<std::string> node_for(const ExchangePtr& exchange, const compile::Compiler& compiler,
                                    const service::NodeChannels& channels) {
  const auto nodes = packet_nodes(compiler.model(), channels, exchange->body.value("node", ""));
  if (nodes.size() == 1) return nodes.front();
  if (nodes.empty())
    exchange->problem(no_packet_node());
  else
    exchange->problem(
        no_such_capture("/node", "missing_field",
                        fmt::format("Several nodes take packets: name one of {}.", fmt::join(nodes, ", "))));
  return std::nullopt;
}

// On the writer's thread.
void begin_capture(const ExchangePtr& exchange, const compile::Compiler& compiler,
                   const service::NodeChannels& channels) {
  const auto* listener = named_listener(exchange, compiler.model());
  if (listener == nullptr) return;
  contract::CaptureQuestion question{.id = random_capture_id(),
                                     .listener = exchange->body["listener"].get<std::string>(),
                                     .reached = {listener->address, listener->port},
                                     .protocol = compile::place_of(*listener).transport,
                                     .filter = {}};
  if (const auto problem = read_bounds(exchange->body, question)) return exchange->problem(*problem);
  const auto node = node_for(exchange, compiler, channels);
  if (!node) return;
  // Who looked into other people's packets is to be found again.
  const auto recorded = exchange->service.store().record_action(exchange->principal.author(), "capture",
                                                                db::Kind::kListener, question.listener);
  if (!recorded.ok()) return exchange->storage_failed(recorded.error());
  const std::string process(contract::kAudienceL4);
  const auto text = contract::encode(question);
  exchange->service.command(
      *node, {process, {"", "capture", text}}, question.duration + limits::kCaptureSlack,
      [exchange, node = *node, process](const Result<contract::CommandResult>& result) {
        const auto captured = heard(node, process, result, contract::decode_capture_answer);
        if (!captured.ok()) return exchange->problem(unavailable(captured.error().message));
        answer_capture(exchange, node, *captured);
      });
  // Nobody waits for the rest then, and the next may begin. What it holds must not hold the exchange, which
  // holds it.
  exchange->request.departure->when_gone([&service = exchange->service, node = *node, process, text] {
    service.command(node, {process, {"", "end_capture", text}}, limits::kCommandTimeout,
                    [](const Result<contract::CommandResult>&) {});
  });
}

}  // namespace

void post_capture(const ExchangePtr& exchange) {
  const bool taken = exchange->service.inspect(
      [exchange](const compile::Compiler& compiler, const service::NodeChannels& channels) {
        begin_capture(exchange, compiler, channels);
      });
  if (!taken) exchange->problem(service::busy());
}

}  // namespace headgate::handlers
