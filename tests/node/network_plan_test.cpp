// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/network_plan.hpp"

#include <gtest/gtest.h>

namespace headgate::node {
namespace {

using netlink::LinkAddress;

IpAddress address_from(const char* text) { return *IpAddress::parse(text); }
LinkAddress on(int link, const char* address, uint8_t bits, bool deprecated = false) {
  return {.link_index = link,
          .address = address_from(address),
          .prefix_bits = bits,
          .deprecated = deprecated,
          .link_local = false};
}

TEST(HostAddress, IsAnAddressWithItsNetwork) {
  EXPECT_EQ(HostAddress::parse("192.0.2.10/24"), (HostAddress{address_from("192.0.2.10"), 24}));
  EXPECT_EQ(HostAddress::parse("2001:db8::1/64"), (HostAddress{address_from("2001:db8::1"), 64}));
  EXPECT_EQ(HostAddress::parse("192.0.2.10"), (HostAddress{address_from("192.0.2.10"), 32}));
  for (const char* bad : {"", "/24", "192.0.2.10/", "192.0.2.10/33", "192.0.2.10/24x", "192.0.2.10/-1"})
    EXPECT_FALSE(HostAddress::parse(bad)) << bad;
}

TEST(NetworkPlan, VipsComeDeprecatedAndGoWhenNobodyWantsThem) {
  WantedNetwork wanted;
  wanted.host_addresses = {{address_from("192.0.2.10"), 24}};
  wanted.vips = {address_from("192.0.2.100"), address_from("2001:db8::100")};
  const auto first = host_port_changes(wanted, {}, 7);
  EXPECT_EQ(first.put, (std::vector{on(7, "192.0.2.10", 24), on(7, "192.0.2.100", 32, true),
                                    on(7, "2001:db8::100", 128, true)}));
  EXPECT_TRUE(first.remove.empty());
  const auto settled = host_port_changes(wanted, first.put, 7);
  EXPECT_TRUE(settled.put.empty());
  EXPECT_TRUE(settled.remove.empty());
  wanted.vips = {address_from("192.0.2.100")};
  EXPECT_EQ(host_port_changes(wanted, first.put, 7).remove, (std::vector{on(7, "2001:db8::100", 128, true)}));
}

TEST(NetworkPlan, AddressesOfOthersStay) {
  const std::vector<LinkAddress> present{on(7, "192.0.2.50", 24), on(8, "192.0.2.51", 32, true),
                                         on(7, "192.0.2.52", 24, true)};
  EXPECT_TRUE(host_port_changes({}, present, 7).remove.empty());
}

TEST(NetworkPlan, AVipThatIsTheMachinesOwnAddressIsLeftAsItIs) {
  WantedNetwork wanted;
  wanted.host_addresses = {{address_from("192.0.2.10"), 24}};
  wanted.vips = {address_from("192.0.2.10")};
  EXPECT_EQ(host_port_changes(wanted, {}, 7).put, (std::vector{on(7, "192.0.2.10", 24)}));
}

TEST(NetworkPlan, TheDefaultRouteHasTheMachinesAddressAsItsSource) {
  WantedNetwork wanted;
  wanted.host_addresses = {{address_from("2001:db8::10"), 64}, {address_from("192.0.2.10"), 24}};
  wanted.gateways = {address_from("192.0.2.1")};
  const auto missing = missing_routes(wanted, {}, 7);
  ASSERT_EQ(missing.size(), 1u);
  EXPECT_EQ(missing[0].destination.length_bits, 0);
  EXPECT_EQ(missing[0].source, address_from("192.0.2.10"));
  EXPECT_TRUE(missing_routes(wanted, missing, 7).empty());
}

TEST(WhyNoUplink, RefusesWhatWouldCutTheMachineOff) {
  netlink::Link uplink;
  uplink.index = 3;
  uplink.name = "eth1";
  EXPECT_EQ(why_no_uplink(uplink, {}, {}, {}, {}), "");
  netlink::Route by_uplink;
  by_uplink.destination = {address_from("0.0.0.0"), 0};
  by_uplink.link_index = 3;
  EXPECT_NE(why_no_uplink(uplink, {}, {}, {by_uplink}, {}).find("default route"), std::string::npos);
  by_uplink.link_index = 4;
  EXPECT_EQ(why_no_uplink(uplink, {}, {}, {by_uplink}, {}), "");

  const std::vector<LinkAddress> addresses{on(3, "192.0.2.10", 24)};
  EXPECT_NE(why_no_uplink(uplink, {}, addresses, {}, {}).find("--host-address 192.0.2.10/24"),
            std::string::npos);
  WantedNetwork moves;
  moves.host_addresses = {{address_from("192.0.2.10"), 24}};
  EXPECT_EQ(why_no_uplink(uplink, moves, addresses, {}, {}), "");
  EXPECT_NE(why_no_uplink(uplink, moves, addresses, {}, {address_from("192.0.2.10")}).find("ssh session"),
            std::string::npos);
  uplink.name = "hg0";
  EXPECT_NE(why_no_uplink(uplink, {}, {}, {}, {}), "");
}

TEST(NetworkPlan, ConnectionsOfAPortAreReadFromProc) {
  const char* text =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
      "   0: 0A0200C0:0016 020200C0:D431 01 00000000:00000000 00:00000000 00000000     0        0 1\n"
      "   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2\n"
      "   2: 0B0200C0:0050 020200C0:D432 01 00000000:00000000 00:00000000 00000000     0        0 3\n"
      "   3: nonsense\n"
      "   4: B80D0120000000000000000010000000:0016 B80D0120000000000000000002000000:D433 01 0:0 0:0 0 0 0 "
      "4\n";
  EXPECT_EQ(addresses_with_connections(text, 22),
            (std::set{address_from("192.0.2.10"), address_from("2001:db8::10")}));
}

TEST(NetworkPlan, PciAddresses) {
  for (const char* good : {"0000:03:00.0", "03:00.1", "ffff:ff:1f.7"})
    EXPECT_TRUE(is_pci_address(good)) << good;
  for (const char* bad : {"eth0", "03:00", "0000:03:00.8", "0000:03:00.0x", ""})
    EXPECT_FALSE(is_pci_address(bad)) << bad;
}

}  // namespace
}  // namespace headgate::node
