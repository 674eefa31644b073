// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/metrics.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace headgate::handlers {
namespace {

// Prometheus wants all samples of one name together, under one type.
using Families = std::map<std::string, std::string>;  // name → its lines

std::string escape(std::string_view value) {
  std::string escaped;
  for (const char c : value) {
    if (c == '\n') {
      escaped += "\\n";
    } else {
      if (c == '\\' || c == '"') escaped.push_back('\\');
      escaped.push_back(c);
    }
  }
  return escaped;
}

// A node's process names its own samples: what Prometheus would not read is kept out of the text.
std::string metric_name(std::string_view text) {
  std::string name(text);
  std::replace_if(
      name.begin(), name.end(),
      [](unsigned char c) { return c != '_' && !(c < 128 && std::isalnum(c) != 0); }, '_');
  return name;
}

void add_process(Families& families, const std::string& node, const contract::ProcessStats& process) {
  const auto kind = process.process.substr(0, process.process.find('/'));
  for (const auto& sample : process.stats.samples) {
    const auto name = metric_name("headgate_" + kind + "_" + sample.name);
    auto labels = fmt::format("node=\"{}\",process=\"{}\"", escape(node), escape(process.process));
    for (const auto& [key, value] : sample.labels)
      labels += fmt::format(",{}=\"{}\"", metric_name(key), escape(value));
    families[name] += fmt::format("{}{{{}}} {}\n", name, labels, sample.value);
  }
}

}  // namespace

std::string metrics_text(const Headgated& own, const std::map<std::string, service::NodeState>& nodes,
                         TimePoint now) {
  Families families;
  families["headgated_revision"] = fmt::format("headgated_revision {}\n", own.revision);
  families["headgated_applied_revision"] =
      fmt::format("headgated_applied_revision {}\n", own.applied_revision);
  families["headgated_polls_waiting"] = fmt::format("headgated_polls_waiting {}\n", own.polls_waiting);
  for (const auto& [name, state] : nodes) {
    families["headgated_node_connected"] +=
        fmt::format("headgated_node_connected{{node=\"{}\"}} {}\n", escape(name),
                    service::NodeChannels::is_connected(state, now) ? 1 : 0);
    for (const auto& process : state.stats) add_process(families, name, process);
  }
  std::string text;
  for (const auto& [name, lines] : families)
    text += fmt::format("# TYPE {} {}\n{}", name, name.ends_with("_total") ? "counter" : "gauge", lines);
  return text;
}

void get_metrics(const ExchangePtr& exchange) {
  const bool taken = exchange->service.inspect(
      [exchange](const compile::Compiler& compiler, const service::NodeChannels& channels) {
        const Headgated own{compiler.revision(), exchange->service.acknowledgements().applied(),
                            channels.polls_waiting()};
        exchange->respond(
            {200, {}, "text/plain; version=0.0.4", metrics_text(own, channels.states(), monotonic_now())});
      });
  if (!taken) exchange->problem(service::busy());
}

}  // namespace headgate::handlers
