// SPDX-License-Identifier: Apache-2.0
// Running processes of the nodes, as the operations ask them that are about what runs and not about what is
// configured: which to ask, and what they said. On the writer's thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "mgmt/handlers/exchange.hpp"

namespace headgate::handlers {

// The first whose name begins so.
std::optional<std::string> running_process(const service::NodeChannels& channels, const std::string& node,
                                           std::string_view prefix);
// The node that was named, or all: those that take packets, are connected and run headgate-l4.
std::vector<std::string> packet_nodes(const compile::Model& model, const service::NodeChannels& channels,
                                      const std::string& named);
// That the request's body names; null where there is none, and then it is answered.
const compile::Listener* named_listener(const ExchangePtr& exchange, const compile::Model& model);

http::Problem unavailable(std::string detail);
http::Problem no_packet_node();

// What the process said, or why it said nothing that can be read.
template <typename Answer>
Result<Answer> heard(const std::string& node, const std::string& process,
                     const Result<contract::CommandResult>& result,
                     Result<Answer> (*decode)(std::string_view)) {
  if (!result.ok()) return Error{ErrorCode::kUnavailable, result.error().message + "."};
  if (!result->ok)
    return Error{ErrorCode::kUnavailable, fmt::format("{} on {}: {}.", process, node, result->body)};
  auto decoded = decode(result->body);
  if (!decoded.ok())
    return Error{ErrorCode::kUnavailable,
                 fmt::format("{} on {} speaks another version: {}.", process, node, decoded.error().message)};
  return decoded;
}

}  // namespace headgate::handlers
