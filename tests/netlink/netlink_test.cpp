// SPDX-License-Identifier: Apache-2.0
// Links, addresses, routes, neighbours and offloads against the kernel itself, in a namespace of the test's
// own.
#include <algorithm>
#include <cstdlib>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>
#include <linux/rtnetlink.h>
#include <poll.h>

#include "dataplane/netlink/addresses.hpp"
#include "dataplane/netlink/links.hpp"
#include "dataplane/netlink/neighbours.hpp"
#include "dataplane/netlink/offloads.hpp"
#include "dataplane/netlink/routes.hpp"
#include "tests/netlink/own_namespace.hpp"

namespace headgate::netlink {
namespace {

constexpr MacAddress kMac{0x02, 0, 0, 0, 0, 0x17};

IpAddress ip(const char* text) { return *IpAddress::parse(text); }

Socket open_socket() {
  auto socket = Socket::open();
  EXPECT_TRUE(socket.ok());
  return std::move(*socket);
}
Link link_of(Socket& socket, const std::string& name) {
  auto link = find_link(socket, name);
  EXPECT_TRUE(link.ok() && link->has_value()) << name;
  return link.ok() ? link->value_or(Link{}) : Link{};
}
Link make_pair_up(Socket& socket) {
  EXPECT_TRUE(create_veth(socket, "left", kMac, "right").ok());
  EXPECT_TRUE(set_link_up(socket, link_of(socket, "left")).ok());
  EXPECT_TRUE(set_link_up(socket, link_of(socket, "right")).ok());
  return link_of(socket, "left");
}

// The kernel's own work queue decides when a carrier counts, within a second: it tells whoever has
// subscribed.
Link wait_until_running(Socket& socket, Socket& events, const std::string& name) {
  constexpr int kToldWithinMs = 10'000;
  auto link = link_of(socket, name);
  for (pollfd told{events.fd(), POLLIN, 0}; !link.running && ::poll(&told, 1, kToldWithinMs) == 1;) {
    events.take_events([](const Message&) {});
    link = link_of(socket, name);
  }
  return link;
}

TEST(Links, APairIsMadeNotedSetUpAndDeleted) {
  in_own_namespace([] {
    auto socket = open_socket();
    auto events = Socket::subscribe(RTMGRP_LINK);
    ASSERT_TRUE(events.ok());
    auto left = make_pair_up(socket);
    EXPECT_EQ(left.mac, kMac);
    EXPECT_EQ(left.kind, "veth");
    EXPECT_TRUE(left.up);
    EXPECT_TRUE(wait_until_running(socket, *events, "left").running);
    ASSERT_TRUE(set_link_alias(socket, left, "a note").ok());
    ASSERT_TRUE(set_link_mtu(socket, left, 1400).ok());
    left = link_of(socket, "left");
    EXPECT_EQ(left.alias, "a note");
    EXPECT_EQ(left.mtu_bytes, 1400u);
    ASSERT_TRUE(delete_link(socket, left).ok());
    EXPECT_FALSE(find_link(socket, "right")->has_value());
  });
}

TEST(Links, AnErrorSaysWhatWasTriedAndWhy) {
  in_own_namespace([] {
    auto socket = open_socket();
    make_pair_up(socket);
    const auto again = create_veth(socket, "left", kMac, "other");
    ASSERT_FALSE(again.ok());
    EXPECT_EQ(again.error().code, ErrorCode::kConflict);
    EXPECT_TRUE(again.error().message.starts_with("making the veth pair left, other: File exists"))
        << again.error().message;
  });
}

TEST(Addresses, ArePutOnceWithTheirLifetimeAndRemoved) {
  in_own_namespace([] {
    auto socket = open_socket();
    const auto left = make_pair_up(socket);
    for (const auto& [text, bits, deprecated] :
         std::vector<std::tuple<const char*, uint8_t, bool>>{{"192.0.2.10", 24, false},
                                                             {"192.0.2.100", 32, true},
                                                             {"2001:db8::1", 64, false},
                                                             {"2001:db8::2", 128, true}}) {
      const LinkAddress address{left.index, ip(text), bits, deprecated, false};
      ASSERT_TRUE(put_address(socket, left, address).ok());
      ASSERT_TRUE(put_address(socket, left, address).ok()) << "again is no error";
      const auto present = list_addresses(socket);
      ASSERT_TRUE(present.ok());
      EXPECT_EQ(std::count(present->begin(), present->end(), address), 1) << text;
      ASSERT_TRUE(remove_address(socket, left, address).ok());
      const auto rest = list_addresses(socket);
      EXPECT_EQ(std::count(rest->begin(), rest->end(), address), 0) << text;
    }
  });
}

TEST(Routes, TheDefaultRouteIsPutFoundAndRemoved) {
  in_own_namespace([] {
    auto socket = open_socket();
    const auto left = make_pair_up(socket);
    ASSERT_TRUE(put_address(socket, left, {left.index, ip("192.0.2.10"), 24, false, false}).ok());
    Route route;
    route.destination = {ip("0.0.0.0"), 0};
    route.gateway = ip("192.0.2.1");
    route.source = ip("192.0.2.10");
    route.link_index = left.index;
    ASSERT_TRUE(put_route(socket, route).ok());
    auto routes = list_routes(socket);
    ASSERT_TRUE(routes.ok());
    EXPECT_EQ(std::count(routes->begin(), routes->end(), route), 1);
    ASSERT_TRUE(remove_route(socket, route).ok());
    routes = list_routes(socket);
    EXPECT_EQ(std::count(routes->begin(), routes->end(), route), 0);
  });
}

TEST(Routes, TheWayToAnAddressIsTheKernels) {
  in_own_namespace([] {
    auto socket = open_socket();
    const auto left = make_pair_up(socket);
    ASSERT_TRUE(put_address(socket, left, {left.index, ip("192.0.2.10"), 24, false, false}).ok());
    ASSERT_TRUE(set_link_up(socket, link_of(socket, "lo")).ok());
    const auto way_to = [&](const char* address) {
      const auto way = find_way(socket, ip(address));
      EXPECT_TRUE(way.ok()) << way.error().message;
      return way.ok() ? *way : std::nullopt;
    };
    const Way on_link{.link_index = left.index, .gateway = std::nullopt, .source = ip("192.0.2.10")};
    EXPECT_EQ(way_to("192.0.2.20"), on_link);
    EXPECT_TRUE(way_to("192.0.2.10")->is_local);
    EXPECT_EQ(way_to("198.51.100.7"), std::nullopt);
    EXPECT_EQ(way_to("2001:db8::7"), std::nullopt);
    Route route{.destination = {ip("0.0.0.0"), 0}, .gateway = ip("192.0.2.1"), .source = {}};
    route.link_index = left.index;
    ASSERT_TRUE(put_route(socket, route).ok());
    EXPECT_EQ(way_to("198.51.100.7")->gateway, ip("192.0.2.1"));
  });
}

TEST(Neighbours, OneThatIsKeptIsAskedForAgainAndAgain) {
  in_own_namespace([] {
    auto events = Socket::subscribe(RTMGRP_NEIGH);
    ASSERT_TRUE(events.ok());
    auto socket = open_socket();
    const auto left = make_pair_up(socket);
    ASSERT_TRUE(put_address(socket, left, {left.index, ip("192.0.2.10"), 24, false, false}).ok());
    ASSERT_TRUE(keep_neighbour(socket, left.index, ip("192.0.2.20")).ok());
    EXPECT_EQ(::system("ip neigh show dev left to 192.0.2.20 | grep -q managed"), 0);
    ASSERT_EQ(::system("ip neigh replace 192.0.2.20 lladdr 02:00:00:00:00:20 nud reachable dev left"), 0);
    ASSERT_TRUE(forget_neighbour(socket, left.index, ip("192.0.2.20")).ok());
    std::vector<Neighbour> told;
    events->take_events([&](const Message& message) {
      const auto neighbour = neighbour_of(message);
      if (neighbour && neighbour->address == ip("192.0.2.20")) told.push_back(*neighbour);
    });
    ASSERT_GE(told.size(), 2u) << "learned, forgotten";
    EXPECT_FALSE(told.back().usable);
    const Neighbour learned{left.index, ip("192.0.2.20"), {0x02, 0, 0, 0, 0, 0x20}, true};
    EXPECT_GE(std::count(told.begin(), told.end(), learned), 1);
  });
}

TEST(Neighbours, AreListedWithTheirMac) {
  in_own_namespace([] {
    auto socket = open_socket();
    const auto left = make_pair_up(socket);
    ASSERT_TRUE(put_address(socket, left, {left.index, ip("192.0.2.10"), 24, false, false}).ok());
    ASSERT_EQ(::system("ip neigh add 192.0.2.20 lladdr 02:00:00:00:00:20 dev left"), 0);
    const auto neighbours = list_neighbours(socket);
    ASSERT_TRUE(neighbours.ok());
    const Neighbour expected{left.index, ip("192.0.2.20"), {0x02, 0, 0, 0, 0, 0x20}, true, true};
    EXPECT_EQ(std::count(neighbours->begin(), neighbours->end(), expected), 1);
  });
}

TEST(Offloads, AreSwitchedOffAndMissingInterfacesNamed) {
  in_own_namespace([] {
    auto socket = open_socket();
    make_pair_up(socket);
    ASSERT_TRUE(switch_off("left", Offload::kTxChecksum).ok());
    EXPECT_EQ(::system("ethtool -k left | grep -q '^tx-checksumming: off'"), 0);
    EXPECT_NE(switch_off("missing", Offload::kTxChecksum).error().message.find("missing"), std::string::npos);
  });
}

TEST(Socket, EventsTellOfChanges) {
  in_own_namespace([] {
    auto events = Socket::subscribe(RTMGRP_LINK);
    ASSERT_TRUE(events.ok());
    auto socket = open_socket();
    make_pair_up(socket);
    unsigned count = 0;
    EXPECT_TRUE(events->take_events([&](const Message& message) { count += message.type == RTM_NEWLINK; }));
    EXPECT_GE(count, 2u);
  });
}

}  // namespace
}  // namespace headgate::netlink
