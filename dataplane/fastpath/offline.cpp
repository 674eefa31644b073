// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <iostream>
#include <iterator>

#include <fmt/format.h>

#include "dataplane/contract/codec.hpp"
#include "dataplane/fastpath/eal.hpp"
#include "dataplane/fastpath/service.hpp"
#include "dataplane/fastpath/stats.hpp"

namespace headgate::fastpath {
namespace {

Result<contract::Delta> read_snapshot(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Error{ErrorCode::kNotFound, fmt::format("{} cannot be read", path)};
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  auto delta = contract::decode_delta(text);
  if (!delta.ok()) return Error{delta.error().code, fmt::format("{}: {}", path, delta.error().message)};
  return delta;
}

Result<Port> open_files(const std::string& role, const PcapFiles& files) {
  return Port::open_vdev(role, "net_pcap_" + role, fmt::format("rx_pcap={},tx_pcap={}", files.in, files.out));
}

// All targets are neighbours here, and tunnels and fullnat lead to one from the source of its family.
l4::Surroundings surroundings_of(const OfflineOptions& offline, const MacAddress& uplink_mac) {
  l4::Surroundings surroundings{.uplink_mac = uplink_mac};
  for (const auto& [neighbour, mac] : offline.neighbours)
    for (const auto& source : offline.sources)
      if (source.is_v6() == neighbour.is_v6()) surroundings.sources[neighbour] = source;
  return surroundings;
}

// One "name{labels} value" a line, what is zero left out: what a test or a person reads.
void print_stats(const contract::Stats& stats) {
  for (const auto& sample : stats.samples) {
    if (sample.value == 0 && sample.name != "l4_law_deficit_packets") continue;
    std::string labels;
    for (const auto& [name, value] : sample.labels)
      labels += fmt::format("{}{}=\"{}\"", labels.empty() ? "" : ",", name, value);
    std::cout << fmt::format("{}{{{}}} {}\n", sample.name, labels, sample.value);
  }
}

}  // namespace

Result<void> run_offline(const Options& options) {
  const OfflineOptions& offline = *options.offline;
  const auto snapshot = read_snapshot(offline.snapshot);
  if (!snapshot.ok()) return snapshot.error();
  auto eal = Eal::start(options, "");
  if (!eal.ok()) return std::move(eal).error();
  auto uplink = open_files("uplink", offline.uplink);
  if (!uplink.ok()) return std::move(uplink).error();
  auto host = open_files("host", offline.host);
  if (!host.ok()) return std::move(host).error();

  TableKeeper keeper(1, NextHopKeeper(offline.neighbours, surroundings_of(offline, uplink->mac())));
  auto configured = keeper.configure(*snapshot, monotonic_now());
  if (!configured.ok()) return configured;
  Workers workers;
  workers.push_back(std::make_unique<Worker>(
      WorkerPorts{uplink->queue(0), host->queue(0), {}}, keeper.reads(0),
      l4::PipelineOptions{.flows = options.flows, .secret = 1, .uplink_mac = uplink->mac()},
      PollMode::kBusy));
  while (workers[0]->turn() > 0) {
  }
  print_stats(collect_stats(workers, {&*uplink, &*host}, keeper));
  uplink->close();
  host->close();
  return {};
}

}  // namespace headgate::fastpath
