// SPDX-License-Identifier: Apache-2.0
// The whole process between pcap files: its command line, EAL, ports, worker and counters, without root, NIC
// or huge pages.
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dataplane/contract/codec.hpp"
#include "tests/support/l4_snapshot.hpp"
#include "tests/support/packet_builder.hpp"
#include "tests/support/pcap_file.hpp"

namespace headgate::fastpath {
namespace {

namespace fs = std::filesystem;
using test::Bytes;
using test::Packet;

struct Outcome {
  int exit_code = -1;
  std::vector<Bytes> uplink;
  std::vector<Bytes> host;
  std::map<std::string, uint64_t> stats;  // "name{labels}"
  std::string text;
};

class OfflineTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "headgate-l4-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { fs::remove_all(directory_); }

  void write_snapshot(const contract::Snapshot& snapshot) {
    std::ofstream(directory_ / "snapshot.json") << contract::encode(contract::full(snapshot));
  }
  Outcome run(const std::vector<Bytes>& uplink, const std::vector<Bytes>& host,
              const std::string& more = "") {
    test::write_pcap(directory_ / "uplink-in.pcap", uplink);
    test::write_pcap(directory_ / "host-in.pcap", host);
    const auto path = [&](const char* name) { return (directory_ / name).string(); };
    Outcome outcome;
    const std::string command = std::string(HEADGATE_L4) + " --pages small --flows 1024 --pcap-uplink " +
                                path("uplink-in.pcap") + " " + path("uplink-out.pcap") + " --pcap-host " +
                                path("host-in.pcap") + " " + path("host-out.pcap") + " --snapshot " +
                                path("snapshot.json") + more + " 2>&1";
    std::FILE* output = ::popen(command.c_str(), "r");
    std::array<char, 4096> line{};
    while (std::fgets(line.data(), line.size(), output) != nullptr) outcome.text += line.data();
    const int status = ::pclose(output);
    outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    outcome.uplink = test::read_pcap(directory_ / "uplink-out.pcap");
    outcome.host = test::read_pcap(directory_ / "host-out.pcap");
    std::istringstream lines(outcome.text);
    for (std::string text; std::getline(lines, text);)
      if (const auto space = text.rfind("} "); space != std::string::npos)
        outcome.stats[text.substr(0, space + 1)] = std::stoull(text.substr(space + 2));
    return outcome;
  }

  fs::path directory_;
};

test::L4Snapshot one_listener() {
  return test::L4Snapshot(3)
      .listener("192.0.2.100:80")
      .target(1, "edge/0", "198.19.255.1:2000")
      .listener("[2001:db8::100]:80")
      .target(2, "edge/0", "[fd68:6764:7465::1]:2000");
}

TEST_F(OfflineTest, PacketsCrossAndAreAccountedFor) {
  write_snapshot(one_listener().build());
  const std::vector<Bytes> uplink{
      Packet().ipv4("192.0.2.2", "192.0.2.100").tcp(40'000, 80).flags(kTcpSyn).build(),
      Packet().ipv4("192.0.2.2", "192.0.2.100").tcp(40'000, 80).payload("GET /").partial_checksum().build(),
      Packet().ipv6("2001:db8::2", "2001:db8::100").tcp(40'000, 80).payload("GET /").build(),
      Packet().ether_type(kEtherTypeArp).payload("who has").padding(40).build(),
      Packet().ipv4("192.0.2.2", "198.19.255.1").tcp(40'000, 2000).build(),
      Packet().ipv4("192.0.2.2", "192.0.2.100").tcp(40'000, 80).wrong_checksum().build(),
      Bytes(3, std::byte{1}),
  };
  const std::vector<Bytes> host{
      Packet().ipv4("198.19.255.1", "192.0.2.2").tcp(2000, 40'000).payload("200 OK").build(),
      Packet().ipv4("198.19.255.1", "192.0.2.2").tcp(2001, 40'000).build(),
      Packet().ipv4("192.0.2.10", "192.0.2.2").tcp(22, 40'000).build(),
  };
  Outcome outcome = run(uplink, host);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.text;
  const std::vector<Bytes> to_host{
      Packet().ipv4("192.0.2.2", "198.19.255.1").tcp(40'000, 2000).flags(kTcpSyn).build(),
      Packet().ipv4("192.0.2.2", "198.19.255.1").tcp(40'000, 2000).payload("GET /").build(),
      Packet().ipv6("2001:db8::2", "fd68:6764:7465::1").tcp(40'000, 2000).payload("GET /").build(),
      uplink[3]};
  const std::vector<Bytes> to_uplink{
      Packet().ipv4("192.0.2.100", "192.0.2.2").tcp(80, 40'000).payload("200 OK").build(), host[2]};
  EXPECT_EQ(outcome.host, to_host);
  EXPECT_EQ(outcome.uplink, to_uplink);
  EXPECT_EQ(outcome.stats["l4_rx_packets_total{port=\"uplink\",worker=\"0\"}"], 7u);
  EXPECT_EQ(outcome.stats["l4_rx_packets_total{port=\"host\",worker=\"0\"}"], 3u);
  EXPECT_EQ(outcome.stats["l4_drops_total{reason=\"local_address\",worker=\"0\"}"], 2u);
  EXPECT_EQ(outcome.stats["l4_drops_total{reason=\"transport_checksum_wrong\",worker=\"0\"}"], 1u);
  EXPECT_EQ(outcome.stats["l4_drops_total{reason=\"frame_too_short\",worker=\"0\"}"], 1u);
  EXPECT_EQ(
      outcome.stats
          ["l4_target_flows_opened_total{listener=\"192.0.2.100:80\",protocol=\"tcp\",target=\"edge/0\"}"],
      1u);
  ASSERT_TRUE(outcome.stats.contains("l4_law_deficit_packets{worker=\"0\"}")) << outcome.text;
  EXPECT_EQ(outcome.stats["l4_law_deficit_packets{worker=\"0\"}"], 0u);
}

Bytes with_macs(Bytes frame, const MacAddress& dst, const MacAddress& src) {
  store_mac(frame.data(), load_mac(dst.data()));
  store_mac(frame.data() + dst.size(), load_mac(src.data()));
  return frame;
}

TEST_F(OfflineTest, PacketsForOtherMachinesLeaveByTheUplink) {
  write_snapshot(test::L4Snapshot(3)
                     .listener("192.0.2.100:53")
                     .forwarded("pool")
                     .udp()
                     .target(1, "192.0.2.20:53", "192.0.2.20:53")
                     .build());
  constexpr MacAddress kPcap{2, 'p', 'c', 'a', 'p', 0};  // net_pcap's own of its first port
  constexpr MacAddress kClient{2, 0, 0, 0, 0, 2};
  constexpr MacAddress kBackend{2, 0, 0, 0, 0, 0x20};
  const auto question = Packet().ipv4("192.0.2.2", "192.0.2.100").udp(40'000, 53).payload("question");
  const Bytes last_hop = with_macs(Packet(question).ttl(1).build(), kPcap, kClient);
  const Bytes tells = with_macs(Packet()
                                    .ipv4("192.0.2.100", "192.0.2.2")
                                    .dont_fragment()
                                    .icmp(11)
                                    .quoting(Packet(question).ttl(1))
                                    .build(),
                                kClient, kPcap);
  Outcome outcome = run({with_macs(question.build(), kPcap, kClient), last_hop}, {},
                        " --neighbour 192.0.2.20=02:00:00:00:00:20");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.text;
  const std::vector<Bytes> to_uplink{with_macs(Packet(question).ttl(63).build(), kBackend, kPcap), tells};
  EXPECT_EQ(outcome.uplink, to_uplink);
  EXPECT_TRUE(outcome.host.empty());
  EXPECT_EQ(outcome.stats["l4_icmp_answers_total{worker=\"0\"}"], 1u);
  EXPECT_EQ(outcome.stats["l4_law_deficit_packets{worker=\"0\"}"], 0u);
  outcome = run({with_macs(question.build(), kPcap, kClient)}, {});
  EXPECT_EQ(outcome.stats["l4_drops_total{reason=\"no_target\",worker=\"0\"}"] +
                outcome.stats["l4_drops_total{reason=\"no_next_hop\",worker=\"0\"}"],
            1u)
      << "nobody leads there: " << outcome.text;
  EXPECT_EQ(run({}, {}, " --neighbour 192.0.2.20").exit_code, 2);
}

TEST_F(OfflineTest, ATunnelBeginsAtTheSourceOfItsFamily) {
  write_snapshot(test::L4Snapshot(3)
                     .listener("192.0.2.100:53")
                     .forwarded("pool", contract::Forwarding::kIpip)
                     .udp()
                     .target(1, "2001:db8::20", "[2001:db8::20]:53")
                     .build());
  const Bytes question =
      with_macs(Packet().ipv4("192.0.2.2", "192.0.2.100").udp(40'000, 53).payload("question").build(),
                {2, 'p', 'c', 'a', 'p', 0}, {2, 0, 0, 0, 0, 2});
  const std::string neighbour = " --neighbour 2001:db8::20=02:00:00:00:00:20";
  const Outcome outcome = run({question}, {}, neighbour + " --source 192.0.2.10 2001:db8::10");
  ASSERT_EQ(outcome.uplink.size(), 1u) << outcome.text;
  const auto& ip = header_at<Ipv6Header>(outcome.uplink[0].data() + sizeof(EthernetHeader));
  EXPECT_EQ(ip.src, IpAddress::parse("2001:db8::10")->bytes());
  EXPECT_EQ(ip.next_header, kProtocolIpv4);
  EXPECT_TRUE(run({question}, {}, neighbour).uplink.empty());
  EXPECT_EQ(run({}, {}, " --source here").exit_code, 2);
}

TEST_F(OfflineTest, ASnapshotThatCannotBeServedIsRefusedWithTheReason) {
  auto snapshot = one_listener();
  snapshot.last().forwarding = contract::Forwarding::kVxlan;
  write_snapshot(snapshot.build());
  const Outcome outcome = run({}, {});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_NE(outcome.text.find("forwarding vxlan needs a vni and a MAC address"), std::string::npos)
      << outcome.text;
}

}  // namespace
}  // namespace headgate::fastpath
