// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fastpath/stats.hpp"

#include <string>
#include <utility>

#include "dataplane/contract/enum_names.hpp"

namespace headgate::fastpath {
namespace {

using Labels = std::map<std::string, std::string>;

struct Named {
  WorkerCounter counter;
  const char* name;
  const char* port;  // null: no label
};
constexpr Named kNamed[] = {
    {kRxUplinkPackets, "l4_rx_packets_total", "uplink"},
    {kRxUplinkBytes, "l4_rx_bytes_total", "uplink"},
    {kRxHostPackets, "l4_rx_packets_total", "host"},
    {kRxHostBytes, "l4_rx_bytes_total", "host"},
    {kTxUplinkPackets, "l4_tx_packets_total", "uplink"},
    {kTxUplinkBytes, "l4_tx_bytes_total", "uplink"},
    {kTxHostPackets, "l4_tx_packets_total", "host"},
    {kTxHostBytes, "l4_tx_bytes_total", "host"},
    {kFlowsHeld, "l4_flows", nullptr},
    {kFlowsRemembered, "l4_flows_remembered_total", nullptr},
    {kFlowsEvicted, "l4_flows_evicted_total", nullptr},
    {kIcmpErrorsTranslated, "l4_icmp_errors_translated_total", nullptr},
    {kIcmpAnswers, "l4_icmp_answers_total", nullptr},
    {kNatFlowsHeld, "l4_nat_flows", nullptr},
    {kNatFlowsOpened, "l4_nat_flows_opened_total", nullptr},
    {kNatFlowsEvicted, "l4_nat_flows_evicted_total", nullptr},
    {kBlocked, "l4_idle_waits_total", nullptr},
};

constexpr std::pair<TargetCounter, const char*> kTargetNamed[] = {
    {kToPackets, "l4_target_rx_packets_total"},
    {kToBytes, "l4_target_rx_bytes_total"},
    {kFromPackets, "l4_target_tx_packets_total"},
    {kFromBytes, "l4_target_tx_bytes_total"},
    {kOpenedFlows, "l4_target_flows_opened_total"}};

void add_worker(contract::Stats& stats, const Worker& worker, const std::string& index) {
  const auto counters = worker.read_counters();
  for (const auto& [counter, name, port] : kNamed) {
    Labels labels{{"worker", index}};
    if (port != nullptr) labels["port"] = port;
    stats.samples.push_back({name, std::move(labels), counters[counter]});
  }
  for (std::size_t reason = 1; reason < l4::kDropReasonCount; ++reason)
    stats.samples.push_back({"l4_drops_total",
                             {{"worker", index}, {"reason", std::string(l4::kDropReasonNames[reason])}},
                             counters[kDrops + reason]});
  stats.samples.push_back({"l4_law_deficit_packets", {{"worker", index}}, law_deficit(counters)});
}

void add_targets(contract::Stats& stats, const Workers& workers, const TableKeeper& keeper) {
  for (const auto& [key, object] : keeper.snapshot().objects) {
    const auto* listener = std::get_if<contract::L4Listener>(object.get());
    if (listener == nullptr) continue;
    const auto endpoint = Endpoint{listener->address, listener->port}.to_string();
    const std::string protocol(contract::name_of(listener->protocol));
    for (const auto& target : listener->targets) {
      const Labels labels{{"listener", endpoint}, {"protocol", protocol}, {"target", target.name}};
      stats.samples.push_back({"l4_target_usable", labels, keeper.mask().masked(target.id) ? 0u : 1u});
      for (const auto& [counter, name] : kTargetNamed) {
        uint64_t sum = 0;
        for (const auto& worker : workers) sum += worker->target_counters(target.id).read(counter);
        stats.samples.push_back({name, labels, sum});
      }
    }
  }
}

}  // namespace

uint64_t law_deficit(const std::array<uint64_t, kWorkerCounters>& counters) {
  const uint64_t received = counters[kRxUplinkPackets] + counters[kRxHostPackets];
  uint64_t accounted = counters[kTxUplinkPackets] + counters[kTxHostPackets];
  for (std::size_t reason = 0; reason < l4::kDropReasonCount; ++reason)
    accounted += counters[kDrops + reason];
  return received > accounted ? received - accounted : accounted - received;
}

contract::Stats collect_stats(const Workers& workers, const std::vector<const Port*>& ports,
                              const TableKeeper& keeper) {
  contract::Stats stats;
  for (std::size_t i = 0; i < workers.size(); ++i) add_worker(stats, *workers[i], std::to_string(i));
  for (const Port* port : ports) {
    const PortLosses losses = port->losses();
    const Labels labels{{"port", port->role()}};
    stats.samples.push_back({"l4_port_missed_packets_total", labels, losses.missed});
    stats.samples.push_back({"l4_port_no_buffer_packets_total", labels, losses.no_buffer});
    stats.samples.push_back({"l4_port_error_packets_total", labels, losses.errors});
  }
  add_targets(stats, workers, keeper);
  stats.samples.push_back({"l4_listeners", {}, keeper.current().listeners().size()});
  return stats;
}

}  // namespace headgate::fastpath
