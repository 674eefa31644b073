// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/metrics.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace headgate::handlers {
namespace {

// Prometheus wants all samples of one name together, under one type.
struct Family {
  std::string_view type;
  std::string lines;
};
using Families = std::map<std::string, Family>;

// Where its lines go.
std::string& lines_of(Families& families, const std::string& name, std::string_view type) {
  return families.try_emplace(name, Family{type, {}}).first->second.lines;
}
std::string& lines_of(Families& families, const std::string& name) {
  return lines_of(families, name, name.ends_with("_total") ? "counter" : "gauge");
}

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

// Of a histogram's buckets each counts what those below it count as well.
void add_durations(std::string& lines, const std::string& name, const std::string& labels,
                   const contract::Traffic& traffic) {
  const auto& bounds = contract::kDurationBounds;
  uint64_t count = 0;
  for (std::size_t i = 0; i < traffic.by_duration.size() && i <= bounds.size(); ++i) {
    count += traffic.by_duration[i];
    const auto bound =
        i < bounds.size() ? fmt::format("{}", static_cast<double>(bounds[i].count()) / 1e3) : "+Inf";
    lines += fmt::format("{}_bucket{{{},le=\"{}\"}} {}\n", name, labels, bound, count);
  }
  lines += fmt::format("{}_sum{{{}}} {:.6f}\n", name, labels, static_cast<double>(traffic.duration_us) / 1e6);
  lines += fmt::format("{}_count{{{}}} {}\n", name, labels, count);
}

void add_traffic(Families& families, const std::string& prefix, const std::string& whose,
                 const contract::Traffic& traffic) {
  const auto requests = prefix + "route_requests_total";
  const auto durations = prefix + "route_request_duration_seconds";
  const auto labels = fmt::format("{},listener=\"{}\",route=\"{}\",pool=\"{}\"", whose,
                                  escape(traffic.listener), escape(traffic.route), escape(traffic.pool));
  for (std::size_t i = 0; i < traffic.by_class.size() && i < contract::kStatusClasses.size(); ++i)
    if (traffic.by_class[i] > 0)
      lines_of(families, requests) += fmt::format("{}{{{},code=\"{}\"}} {}\n", requests, labels,
                                                  contract::kStatusClasses[i], traffic.by_class[i]);
  add_durations(lines_of(families, durations, "histogram"), durations, labels, traffic);
}

void add_process(Families& families, const std::string& node, const contract::ProcessStats& process) {
  const auto prefix = metric_name("headgate_" + process.process.substr(0, process.process.find('/')) + "_");
  const auto whose = fmt::format("node=\"{}\",process=\"{}\"", escape(node), escape(process.process));
  for (const auto& sample : process.stats.samples) {
    const auto name = prefix + metric_name(sample.name);
    auto labels = whose;
    for (const auto& [key, value] : sample.labels)
      labels += fmt::format(",{}=\"{}\"", metric_name(key), escape(value));
    lines_of(families, name) += fmt::format("{}{{{}}} {}\n", name, labels, sample.value);
  }
  for (const auto& traffic : process.stats.traffic) add_traffic(families, prefix, whose, traffic);
}

}  // namespace

std::string metrics_text(const Headgated& own, const std::map<std::string, service::NodeState>& nodes,
                         TimePoint now) {
  Families families;
  const auto add_own = [&](const std::string& name, const std::string& labels, auto value) {
    lines_of(families, name) += fmt::format("{}{} {}\n", name, labels, value);
  };
  add_own("headgated_revision", "", own.revision);
  add_own("headgated_applied_revision", "", own.applied_revision);
  add_own("headgated_polls_waiting", "", own.polls_waiting);
  for (const auto& [name, state] : nodes) {
    add_own("headgated_node_connected", fmt::format("{{node=\"{}\"}}", escape(name)),
            service::NodeChannels::is_connected(state, now) ? 1 : 0);
    for (const auto& process : state.stats) add_process(families, name, process);
  }
  std::string text;
  for (const auto& [name, family] : families)
    text += fmt::format("# TYPE {} {}\n{}", name, family.type, family.lines);
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
