// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/forward/route_table.hpp"

#include <gtest/gtest.h>

namespace headgate::l4 {
namespace {

constexpr MacAddress kGateway{2, 0, 0, 0, 0, 1};
constexpr MacAddress kNeighbour{2, 0, 0, 0, 0, 7};

RouteTable::Way find(const RouteTable& table, const char* text) {
  const auto address = *IpAddress::parse(text);
  return address.is_v6() ? table.find(address.bytes()) : table.find(Be32(address.v4_host_order()));
}

Routes::Entry entry(const char* prefix, RouteKind kind, const char* gateway = "0.0.0.0") {
  return {*Prefix::parse(prefix), kind, *IpAddress::parse(gateway)};
}

TEST(RouteTable, ADefaultOneLeadsNowhere) {
  EXPECT_EQ(find(RouteTable(), "192.0.2.1").kind, RouteKind::kNowhere);
  EXPECT_EQ(find(RouteTable(), "2001:db8::1").kind, RouteKind::kNowhere);
}

struct RouteTableFamily {
  const char* link;
  const char* gateway;
  const char* neighbour;
  const char* stranger;
  const char* own;
  const char* own_prefix;
  const char* beyond;
  const char* elsewhere_prefix;
  const char* elsewhere;
  const char* any;
};
constexpr RouteTableFamily kFamilies[] = {
    {"192.0.2.0/24", "192.0.2.1", "192.0.2.7", "192.0.2.8", "192.0.2.10", "192.0.2.10/32", "203.0.113.9",
     "10.0.0.0/8", "10.1.2.3", "0.0.0.0/0"},
    {"2001:db8::/64", "2001:db8::1", "2001:db8::7", "2001:db8::8", "2001:db8::10", "2001:db8::10/128",
     "2001:db8:9::9", "fd00::/8", "fd00::1", "::/0"}};

class RouteTableTest : public testing::TestWithParam<RouteTableFamily> {};

TEST_P(RouteTableTest, ClientsAreFoundByGatewayOrAsNeighbours) {
  const auto& family = GetParam();
  const auto routes = std::make_shared<const Routes>(std::vector<Routes::Entry>{
      entry(family.any, RouteKind::kGateway, family.gateway), entry(family.link, RouteKind::kNeighbour),
      entry(family.elsewhere_prefix, RouteKind::kNowhere), entry(family.own_prefix, RouteKind::kHost)});
  const RouteTable table(routes, {{*IpAddress::parse(family.gateway), kGateway},
                                  {*IpAddress::parse(family.neighbour), kNeighbour}});
  EXPECT_EQ(find(table, family.beyond).kind, RouteKind::kGateway);
  EXPECT_EQ(find(table, family.beyond).mac, load_mac(kGateway.data()));
  EXPECT_EQ(find(table, family.neighbour).mac, load_mac(kNeighbour.data()));
  EXPECT_EQ(find(table, family.stranger).kind, RouteKind::kNeighbour);
  EXPECT_EQ(find(table, family.stranger).mac, 0u);
  EXPECT_EQ(find(table, family.own).kind, RouteKind::kHost);
  EXPECT_EQ(find(table, family.elsewhere).kind, RouteKind::kNowhere);
  EXPECT_EQ(find(table, family.elsewhere).mac, 0u);
  const RouteTable without(routes, {});
  EXPECT_EQ(find(without, family.beyond).kind, RouteKind::kGateway);
  EXPECT_EQ(find(without, family.beyond).mac, 0u);
}

INSTANTIATE_TEST_SUITE_P(Families, RouteTableTest, testing::ValuesIn(kFamilies),
                         [](const auto& family) { return family.index == 0 ? "v4" : "v6"; });

// RFC 5549: IPv4 by a neighbour that has an IPv6 address.
TEST(RouteTable, AGatewayMayBeOfTheOtherFamily) {
  const RouteTable table(std::make_shared<const Routes>(
                             std::vector<Routes::Entry>{entry("0.0.0.0/0", RouteKind::kGateway, "fe80::1")}),
                         {{*IpAddress::parse("fe80::1"), kGateway}});
  EXPECT_EQ(find(table, "203.0.113.9").mac, load_mac(kGateway.data()));
}

}  // namespace
}  // namespace headgate::l4
