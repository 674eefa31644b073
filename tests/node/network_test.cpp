// SPDX-License-Identifier: Apache-2.0
// The kernel's side of a node, in a network namespace of the test's own:
//
//   test ── packet socket on "client" ═ "uplink" ── (no l4) ── hg0p ═ hg0: the VIP
#include "dataplane/node/network.hpp"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#include "dataplane/netlink/addresses.hpp"
#include "tests/netlink/own_namespace.hpp"
#include "tests/node/health/backend.hpp"

namespace headgate::node {
namespace {

IpAddress ip(const char* text) { return *IpAddress::parse(text); }
void run(const std::string& command) { ASSERT_EQ(std::system(command.c_str()), 0) << command; }
std::string read_line(const std::string& path) {
  std::string line;
  std::getline(std::ifstream(path), line);
  return line;
}

// A client without a kernel: what it sends and what the uplink sends back.
class Client {
 public:
  Client() : socket_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL))) {
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(::if_nametoindex("client"));
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  void send(const std::vector<uint8_t>& frame) {
    EXPECT_EQ(::send(socket_.get(), frame.data(), frame.size(), 0), static_cast<ssize_t>(frame.size()));
  }
  // Whether the other side sends anything but what a kernel says unasked (IPv6's multicast reports).
  bool hears_an_answer() {
    const auto until = monotonic_now() + std::chrono::milliseconds(150);
    while (monotonic_now() < until) {
      pollfd ready{socket_.get(), POLLIN, 0};
      ::poll(&ready, 1, 20);
      std::array<uint8_t, 2048> frame;
      sockaddr_ll from{};
      socklen_t length_bytes = sizeof from;
      const ssize_t got = ::recvfrom(socket_.get(), frame.data(), frame.size(), 0,
                                     reinterpret_cast<sockaddr*>(&from), &length_bytes);
      if (got > 0 && from.sll_pkttype != PACKET_OUTGOING && (frame[0] & 1) == 0) return true;
    }
    return false;
  }

 private:
  UniqueFd socket_;
};

constexpr std::array<uint8_t, 6> kUplinkMac{0x02, 0, 0, 0, 0, 0x01}, kClientMac{0x02, 0, 0, 0, 0, 0x02};

std::vector<uint8_t> ethernet(bool broadcast, uint16_t type, const std::vector<uint8_t>& payload) {
  std::vector<uint8_t> frame(6, 0xff);
  if (!broadcast) frame.assign(kUplinkMac.begin(), kUplinkMac.end());
  frame.insert(frame.end(), kClientMac.begin(), kClientMac.end());
  frame.push_back(static_cast<uint8_t>(type >> 8));
  frame.push_back(static_cast<uint8_t>(type));
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}

// RFC 826: who has 192.0.2.100? Tell 192.0.2.2.
std::vector<uint8_t> arp_request() {
  return ethernet(true, 0x0806,
                  {0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 2, 192, 0, 2, 2, 0, 0, 0, 0, 0, 0, 192, 0, 2, 100});
}

void put_checksum(std::vector<uint8_t>& bytes, std::size_t begin, std::size_t at, uint32_t sum) {
  for (std::size_t i = begin; i + 1 < bytes.size() + 1; i += 2)
    sum += static_cast<uint32_t>(bytes[i] << 8 | (i + 1 < bytes.size() ? bytes[i + 1] : 0));
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  bytes[at] = static_cast<uint8_t>(~sum >> 8);
  bytes[at + 1] = static_cast<uint8_t>(~sum);
}

// A SYN from 192.0.2.2:1234 to 192.0.2.100:80, with both checksums right: the kernel would answer with a RST.
std::vector<uint8_t> syn() {
  std::vector<uint8_t> tcp{4, 210, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0, 0, 0, 0};
  put_checksum(tcp, 0, 16,
               0xc000 + 0x0202 + 0xc000 + 0x0264 + 6 + 20);  // the pseudo header (RFC 9293 section 3.1)
  std::vector<uint8_t> packet{0x45, 0, 0, 40, 0, 1, 0, 0, 64, 6, 0, 0, 192, 0, 2, 2, 192, 0, 2, 100};
  put_checksum(packet, 0, 10, 0);
  packet.insert(packet.end(), tcp.begin(), tcp.end());
  return ethernet(false, 0x0800, packet);
}

class NetworkTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "headgate-network-test-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  static void make_uplink() {
    run("ip link set lo up");
    run("ip link add uplink address 02:00:00:00:00:01 type veth peer name client address 02:00:00:00:00:02");
    run("ip link set uplink up && ip link set client up");
    // The client's end is deaf: it is in the same namespace, and the test speaks for it.
    run("sysctl -qw net.ipv6.conf.client.disable_ipv6=1 net.ipv4.conf.client.arp_ignore=8 "
        "net.ipv4.conf.client.rp_filter=1");
  }
  Result<std::unique_ptr<Network>> make(const char* host_address) {
    return Network::make(loop_,
                         {.uplink = "uplink",
                          .host_addresses = {*HostAddress::parse(host_address)},
                          .gateways = {ip("192.0.2.1")}},
                         directory_ / "undo",
                         {.on_change = [] {}, .on_host_port_replaced = [this] { ++replaced_; }});
  }
  std::filesystem::path directory_;
  EventLoop loop_;
  unsigned replaced_ = 0;
};

TEST_F(NetworkTest, TheKernelAnswersForAVipOnceAndNeverBesideUs) {
  in_own_namespace([&] {
    make_uplink();
    Client client;
    // That the test can fail: with the VIP on the uplink itself, as it would be without Headgate, it answers.
    run("ip addr add 192.0.2.100/24 dev uplink");
    client.send(arp_request());
    EXPECT_TRUE(client.hears_an_answer());
    run("ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:02 dev uplink");
    client.send(syn());
    EXPECT_TRUE(client.hears_an_answer());
    run("ip addr del 192.0.2.100/24 dev uplink");

    auto network = make("192.0.2.10/24");
    ASSERT_TRUE(network.ok()) << network.error().message;
    (*network)->want({ip("192.0.2.100")}, {ip("198.19.255.1")});
    EXPECT_EQ((*network)->fault(), "");
    run("ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:02 dev hg0");
    client.send(arp_request());
    client.send(syn());
    EXPECT_FALSE(client.hears_an_answer()) << "headgate-l4 does not run: nobody may answer";
  });
}

TEST_F(NetworkTest, WhatIsTakenAwayComesBackAndLoopsAreNone) {
  in_own_namespace([&] {
    make_uplink();
    auto network = make("192.0.2.10/24");
    ASSERT_TRUE(network.ok()) << network.error().message;
    (*network)->want({ip("192.0.2.100"), ip("2001:db8::100")}, {ip("198.19.255.1"), ip("fd68:6764:7465::1")});
    run("ip addr del 192.0.2.100/32 dev hg0 && ip addr del 198.19.255.1/32 dev lo && ip route del default");
    const auto back = [] {
      return std::system(
                 "ip -o addr show dev hg0 | grep -q 192.0.2.100/32 && ip -o addr show dev lo | grep -q "
                 "198.19.255.1/32 && ip route | grep -q '^default via 192.0.2.1 dev hg0'") == 0;
    };
    EXPECT_TRUE(turn_until(loop_, back));
    EXPECT_EQ(replaced_, 0u);
    run("ip link del hg0");
    EXPECT_TRUE(turn_until(loop_, back));
    EXPECT_EQ(replaced_, 1u);
    (*network)->want({ip("2001:db8::100")}, {});
    EXPECT_NE(std::system("ip -o addr show dev hg0 | grep -q 192.0.2.100/32"), 0);
  });
}

TEST_F(NetworkTest, APlannedStopGivesBackWhatAnyNodeChanged) {
  in_own_namespace([&] {
    make_uplink();
    run("ip addr add 192.0.2.10/24 dev uplink");
    {
      auto killed = make("192.0.2.10/24");  // destroyed without take_down(), as kill -9 would
      ASSERT_TRUE(killed.ok()) << killed.error().message;
      (*killed)->want({}, {ip("198.19.255.1")});
      EXPECT_NE(std::system("ip -o addr show dev uplink | grep -q 192.0.2.10/24"), 0);
    }
    auto network = make("192.0.2.10/24");
    ASSERT_TRUE(network.ok()) << network.error().message;
    (*network)->take_down();
    run("ip -o addr show dev uplink | grep -q 192.0.2.10/24");
    EXPECT_NE(std::system("ip link show hg0 2>/dev/null"), 0);
    EXPECT_NE(std::system("ip -o addr show dev lo | grep -q 198.19.255.1"), 0);
    EXPECT_EQ(read_line("/proc/sys/net/ipv6/conf/uplink/disable_ipv6"), "0");
    EXPECT_EQ(read_line("/proc/sys/net/ipv4/conf/uplink/arp_ignore"), "0");
  });
}

TEST_F(NetworkTest, AnHg0OfSomebodyElseIsUsedAndStays) {
  in_own_namespace([&] {
    make_uplink();
    run("ip link add hg0 type veth peer name hg0p");
    auto network = make("192.0.2.10/24");
    ASSERT_TRUE(network.ok()) << network.error().message;
    (*network)->want({ip("192.0.2.100")}, {});
    (*network)->take_down();
    run("ip link show hg0 >/dev/null");
    EXPECT_NE(std::system("ip -o addr show dev hg0 | grep -q 192.0.2.100"), 0);
  });
}

TEST_F(NetworkTest, AnUplinkWithTheDefaultRouteIsRefusedAndLeftAlone) {
  in_own_namespace([&] {
    make_uplink();
    run("ip addr add 192.0.2.10/24 dev uplink && ip route add default via 192.0.2.1");
    const auto network = make("192.0.2.10/24");
    ASSERT_FALSE(network.ok());
    EXPECT_NE(network.error().message.find("default route"), std::string::npos);
    run("ip -o addr show dev uplink | grep -q 192.0.2.10/24");
    EXPECT_NE(std::system("ip link show hg0 2>/dev/null"), 0);
  });
}

}  // namespace
}  // namespace headgate::node
