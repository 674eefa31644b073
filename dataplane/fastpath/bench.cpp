// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fastpath/bench.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>
#include <memory>

#include <fmt/format.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <unistd.h>

#include "dataplane/core/checksum.hpp"
#include "dataplane/core/packet_headers.hpp"
#include "dataplane/fastpath/client_permuter.hpp"
#include "dataplane/fastpath/eal.hpp"
#include "dataplane/fastpath/stats.hpp"

namespace headgate::fastpath {
namespace {

constexpr std::size_t kFrameBytes = 64;  // with the frame check sequence that no driver shows: 60 here
constexpr unsigned kPacketsInFile = 64;

struct Case {
  const char* name;
  bool v6;
  uint8_t tcp_flags;
  ClientSide client;  // of the packet; where it is the destination, the packet is an answer
  bool large;         // with the largest numbers of flows as well
  contract::Forwarding forwarding = contract::Forwarding::kLocal;

  bool is_local() const { return forwarding == contract::Forwarding::kLocal; }
  bool comes_in() const { return client == ClientSide::kSource || !is_local(); }  // by the uplink
  // What does not go to the kernel, goes back by the uplink.
  bool leaves_by_host() const { return comes_in() && is_local(); }
};
constexpr Case kCases[] = {
    {"ipv4_established", false, kTcpAck, ClientSide::kSource, true},
    {"ipv4_syn", false, kTcpSyn, ClientSide::kSource, false},
    {"ipv4_answer", false, kTcpAck, ClientSide::kDestination, false},
    {"ipv6_established", true, kTcpAck, ClientSide::kSource, false},
    {"ipv6_answer", true, kTcpAck, ClientSide::kDestination, false},
    {"dsr_ipv4", false, kTcpAck, ClientSide::kSource, true, contract::Forwarding::kDsr},
    {"dsr_ipv6", true, kTcpAck, ClientSide::kSource, false, contract::Forwarding::kDsr},
    {"ipip_ipv4", false, kTcpAck, ClientSide::kSource, true, contract::Forwarding::kIpip},
    {"gue_ipv4", false, kTcpAck, ClientSide::kSource, false, contract::Forwarding::kGue},
    {"vxlan_ipv4", false, kTcpAck, ClientSide::kSource, false, contract::Forwarding::kVxlan},
    {"nat_ipv4", false, kTcpAck, ClientSide::kSource, true, contract::Forwarding::kNat},
    {"nat_answer_ipv4", false, kTcpAck, ClientSide::kDestination, true, contract::Forwarding::kNat},
    {"fullnat_ipv4", false, kTcpAck, ClientSide::kSource, true, contract::Forwarding::kFullnat},
    {"ipip_ipv6", true, kTcpAck, ClientSide::kSource, false, contract::Forwarding::kIpip},
};
constexpr MacAddress kNeighbour{2, 0, 0, 0, 0, 9};

struct Figures {
  double bare_ns;
  double stage_ns;  // bare and the permuting stage
  double whole_ns;  // the worker and the permuting stage

  double path_ns() const { return whole_ns - (stage_ns - bare_ns); }
};

struct Addresses {
  Endpoint client, vip, local;
};
Addresses addresses_of(bool v6) {
  return v6 ? Addresses{*Endpoint::parse("[2001:db8::2]:1024"), *Endpoint::parse("[2001:db8::100]:80"),
                        *Endpoint::parse("[fd68:6764:7465::1]:2000")}
            : Addresses{*Endpoint::parse("10.0.0.2:1024"), *Endpoint::parse("192.0.2.100:80"),
                        *Endpoint::parse("198.19.255.1:2000")};
}

contract::Delta configuration(const Case& which) {
  const Addresses addresses = addresses_of(which.v6);
  contract::L4Listener listener{.address = addresses.vip.address,
                                .port = addresses.vip.port,
                                .forwarding = which.forwarding,
                                .targets = {},
                                .vxlan = contract::Vxlan{.vni = 7, .mac = "02:00:00:00:00:07"}};
  // By fullnat a backend has no more flows than there are ports.
  const uint32_t targets = which.forwarding == contract::Forwarding::kFullnat ? 1024 : 4;
  for (uint32_t i = 0; i < targets; ++i)
    listener.targets.push_back({i + 1, fmt::format("edge/{}", i), addresses.local.address,
                                static_cast<uint16_t>(addresses.local.port + i), 1, false});
  contract::Delta delta{.base = 0, .revision = 1, .upserts = {}, .removals = {}};
  delta.upserts.push_back({{std::string(contract::kAudienceL4), contract::Kind::kL4Listener, "bench"},
                           std::make_shared<const contract::Object>(std::move(listener))});
  return delta;
}

// One frame of 60 bytes, or of 74 for IPv6, whose headers alone are more.
std::vector<std::byte> frame_of(const Case& which) {
  const Addresses addresses = addresses_of(which.v6);
  const bool in = which.client == ClientSide::kSource;  // not an answer
  const Endpoint& src = in ? addresses.client : addresses.local;
  const Endpoint& dst = in ? addresses.vip : addresses.client;
  const std::size_t ip_bytes = which.v6 ? sizeof(Ipv6Header) : sizeof(Ipv4Header);
  std::vector<std::byte> frame(
      std::max(sizeof(EthernetHeader) + ip_bytes + sizeof(TcpHeader), kFrameBytes - 4));
  std::byte* ip = frame.data() + sizeof(EthernetHeader);
  header_at<EthernetHeader>(frame.data()).type = Be16(which.v6 ? kEtherTypeIpv6 : kEtherTypeIpv4);
  auto& tcp = header_at<TcpHeader>(ip + ip_bytes);
  tcp.src_port = Be16(src.port);
  tcp.dst_port = Be16(dst.port);
  tcp.data_offset = 5 << 4;
  tcp.flags = which.tcp_flags;
  ChecksumSum pseudo = 0;
  if (which.v6) {
    auto& header = header_at<Ipv6Header>(ip);
    header.version_class_flow = Be32(6u << 28);
    header.payload_length_bytes = Be16(sizeof tcp);
    header.next_header = kProtocolTcp;
    header.hop_limit = 64;
    header.src = src.address.bytes();
    header.dst = dst.address.bytes();
    pseudo = pseudo_header_sum(header, kProtocolTcp, sizeof tcp);
  } else {
    auto& header = header_at<Ipv4Header>(ip);
    header.version_ihl = 0x45;
    header.total_length_bytes = Be16(sizeof header + sizeof tcp);
    header.ttl = 64;
    header.protocol = kProtocolTcp;
    header.src = Be32(src.address.v4_host_order());
    header.dst = Be32(dst.address.v4_host_order());
    header.checksum = finish_checksum(sum_bytes({ip, sizeof header}));
    pseudo = pseudo_header_sum(header, kProtocolTcp, sizeof tcp);
  }
  tcp.checksum = finish_checksum(pseudo + sum_bytes({ip + ip_bytes, sizeof tcp}));
  return frame;
}

// A pcap file (RFC draft-ietf-opsawg-pcap) that is removed when this goes.
class PcapFile {
 public:
  explicit PcapFile(const std::vector<std::byte>& frame)
      : path_(fmt::format("/tmp/headgate-bench-{}.pcap", ::getpid())) {
    std::ofstream file(path_, std::ios::binary);
    const auto put = [&](auto value) { file.write(reinterpret_cast<const char*>(&value), sizeof value); };
    put(uint32_t{0xa1b2c3d4});
    put(uint16_t{2});
    put(uint16_t{4});
    for (const uint32_t value : {0u, 0u, 65'535u, 1u}) put(value);  // Ethernet
    for (unsigned i = 0; i < kPacketsInFile; ++i) {
      const auto length = static_cast<uint32_t>(frame.size());
      for (const uint32_t value : {0u, 0u, length, length}) put(value);
      file.write(reinterpret_cast<const char*>(frame.data()), length);
    }
  }
  ~PcapFile() { std::remove(path_.c_str()); }
  PcapFile(const PcapFile&) = delete;
  PcapFile& operator=(const PcapFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Of this thread alone: what else runs on the machine steals time, and must not be counted.
Duration cpu_time() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

// Nanoseconds of a core a packet of `turn`, which returns how many it moved.
template <typename Turn>
double measure(Duration duration, Turn turn) {
  uint64_t packets = 0;
  const Duration start = cpu_time();
  Duration now = start;
  while (now - start < duration) {
    for (int i = 0; i < 256; ++i) packets += turn();
    now = cpu_time();
  }
  return static_cast<double>((now - start).count()) / static_cast<double>(packets);
}

std::size_t bare_turn(const PortQueue& from, const PortQueue& to) {
  rte_mbuf* packets[limits::kBurstMax];
  const uint16_t received = rte_eth_rx_burst(from.port_id, from.queue, packets, limits::kBurstMax);
  const uint16_t sent = rte_eth_tx_burst(to.port_id, to.queue, packets, received);
  if (sent < received) rte_pktmbuf_free_bulk(packets + sent, received - sent);
  return received;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

Figures run_rounds(const Options& options, const Case& which, uint32_t flows, const Port& packets,
                   const Port& null, Worker& worker) {
  const Duration duration = std::chrono::milliseconds(options.bench->milliseconds);
  // By the ports that the case goes by: what goes back by the uplink is freed there packet by packet.
  const auto& out = which.comes_in() && !which.is_local() ? packets : null;
  const auto bare = [&] { return bare_turn(packets.queue(0), out.queue(0)); };
  const auto whole = [&] { return worker.turn(); };
  std::vector<double> bare_ns, stage_ns, whole_ns;
  for (unsigned round = 0; round < options.bench->rounds; ++round) {
    bare_ns.push_back(measure(duration, bare));
    const ClientPermuter stage(packets.queue(0).port_id, flows, which.client, which.v6);
    if (round == 0)  // every flow is seen and remembered before it counts
      for (uint64_t seen = 0; seen < uint64_t{flows} * 12;) seen += worker.turn();
    stage_ns.push_back(measure(duration, bare));
    whole_ns.push_back(measure(duration, whole));
  }
  return {median(bare_ns), median(stage_ns), median(whole_ns)};
}

Result<Figures> run_case(const Options& options, const Case& which, uint32_t flows) {
  const PcapFile file(frame_of(which));
  auto packets =
      Port::open_vdev("bench_rx", "net_pcap_bench", fmt::format("rx_pcap={},infinite_rx=1", file.path()));
  if (!packets.ok()) return std::move(packets).error();
  auto null = Port::open_vdev("bench_tx", "net_null_bench", "no-rx=1");
  if (!null.ok()) return std::move(null).error();
  const Addresses addresses = addresses_of(which.v6);
  const l4::Surroundings surroundings{.sources = {{addresses.local.address, addresses.vip.address}}};
  TableKeeper keeper(
      1, NextHopKeeper({{addresses.local.address, kNeighbour}}, surroundings, addresses.local.address));
  auto configured = keeper.configure(configuration(which), monotonic_now());
  if (!configured.ok()) return std::move(configured).error();
  const bool in = which.comes_in();
  WorkerPorts ports{in ? packets->queue(0) : null->queue(0), in ? null->queue(0) : packets->queue(0), {}};
  Figures figures{};
  std::array<uint64_t, kWorkerCounters> counters{};
  {
    const auto worker = std::make_unique<Worker>(
        std::move(ports), keeper.reads(0),
        l4::PipelineOptions{.flows = std::max<std::size_t>(flows, options.flows), .secret = 1},
        PollMode::kBusy);
    figures = run_rounds(options, which, flows, *packets, *null, *worker);
    counters = worker->read_counters();
  }
  packets->close();
  null->close();
  // A figure of packets that were dropped would be no figure.
  const uint64_t out = counters[which.leaves_by_host() ? kTxHostPackets : kTxUplinkPackets];
  const uint64_t received = counters[kRxUplinkPackets] + counters[kRxHostPackets];
  if (law_deficit(counters) != 0 || out != received)
    return Error{ErrorCode::kInternal,
                 fmt::format("{}: {} packets came and {} went", which.name, received, out)};
  return figures;
}

}  // namespace

Result<void> run_bench(const Options& options) {
  auto eal = Eal::start(options, "");
  if (!eal.ok()) return std::move(eal).error();
  if (eal->notice()) std::cerr << "note: " << eal->notice()->text << "\n";
  std::string json;
  std::cerr << fmt::format("{:<18} {:>9} {:>9} {:>9} {:>9} {:>9}\n", "case", "flows", "Mpps", "ns", "bare ns",
                           "stage ns");
  for (const Case& which : kCases)
    for (const uint32_t flows : options.bench->flows) {
      if (!options.bench->only.empty() && options.bench->only != which.name) continue;
      if (!which.large && flows != options.bench->flows.front()) continue;
      const auto figures = run_case(options, which, flows);
      if (!figures.ok()) return figures.error();
      const double ns = figures->path_ns();
      std::cerr << fmt::format("{:<18} {:>9} {:>9.2f} {:>9.2f} {:>9.2f} {:>9.2f}\n", which.name, flows,
                               1000 / ns, ns, figures->bare_ns, figures->stage_ns - figures->bare_ns);
      json += fmt::format(
          "{}\n  {{\"case\": \"{}\", \"flows\": {}, \"workers\": 1, \"mpps\": {:.2f}, \"ns_per_packet\": "
          "{:.2f}, "
          "\"bare_ns_per_packet\": {:.2f}, \"stage_ns_per_packet\": {:.2f}}}",
          json.empty() ? "" : ",", which.name, flows, 1000 / ns, ns, figures->bare_ns,
          figures->stage_ns - figures->bare_ns);
    }
  const std::string document = fmt::format("[{}\n]\n", json);
  if (options.bench->json_file.empty()) {
    std::cout << document;
    return {};
  }
  std::ofstream file(options.bench->json_file);
  if (!(file << document) || !file.flush())
    return Error{ErrorCode::kInvalid, fmt::format("{} cannot be written", options.bench->json_file)};
  return {};
}

}  // namespace headgate::fastpath
