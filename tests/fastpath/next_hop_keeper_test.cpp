// SPDX-License-Identifier: Apache-2.0
// Against the kernel itself, in a namespace of the test's own, where "left" stands for hg0. What ARP and ND
// would learn, the test tells the kernel.
#include "dataplane/fastpath/next_hop_keeper.hpp"

#include <cstdlib>

#include <gtest/gtest.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>

#include "dataplane/netlink/addresses.hpp"
#include "dataplane/netlink/links.hpp"
#include "dataplane/netlink/routes.hpp"
#include "tests/netlink/own_namespace.hpp"
#include "tests/support/l4_snapshot.hpp"

namespace headgate::fastpath {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kAt{1000s};
constexpr MacAddress kOwn{2, 0, 0, 0, 0, 0x10};
constexpr MacAddress kFirst{2, 0, 0, 0, 0, 0x21};
constexpr MacAddress kSecond{2, 0, 0, 0, 0, 0x22};
constexpr const char* kBackendV4 = "192.0.2.20";
constexpr const char* kBackendV6 = "2001:db8::20";

IpAddress address(const std::string& text) { return *IpAddress::parse(text); }

std::unique_ptr<const l4::L4Table> table_to(const std::vector<std::string>& backends,
                                            contract::Forwarding forwarding = contract::Forwarding::kDsr) {
  test::L4Snapshot snapshot(1);
  uint32_t id = 0;
  for (const auto& backend : backends) {
    const bool v6 = address(backend).is_v6();
    const auto to = Endpoint{address(backend), 80}.to_string();
    snapshot
        .listener(Endpoint{address(v6 ? "2001:db8::100" : "192.0.2.100"), static_cast<uint16_t>(80 + ++id)}
                      .to_string())
        .forwarded("pool", forwarding)
        .target(id, to, to);
  }
  auto table = l4::L4Table::build(snapshot.build(), nullptr, l4::Tick(0));
  EXPECT_TRUE(table.ok());
  return std::move(table).value();
}

// "left" has 192.0.2.10/24 and 2001:db8::10/64, and is up.
class Kernel {
 public:
  // `first`: an address that "left" has before all others.
  explicit Kernel(const std::string& first = "") : socket_(*netlink::Socket::open()) {
    EXPECT_TRUE(netlink::create_veth(socket_, "left", std::nullopt, "right").ok());
    for (const auto* name : {"left", "right"}) EXPECT_TRUE(netlink::set_link_up(socket_, link(name)).ok());
    if (!first.empty()) {
      EXPECT_EQ(::system(("ip addr add " + first + " dev left").c_str()), 0);
    }
    for (const auto& [text, bits] : {std::pair{"192.0.2.10", 24}, std::pair{"2001:db8::10", 64}})
      EXPECT_TRUE(netlink::put_address(socket_, link("left"),
                                       {.link_index = link("left").index,
                                        .address = address(text),
                                        .prefix_bits = static_cast<uint8_t>(bits)})
                      .ok());
  }
  netlink::Link link(const std::string& name) { return (*netlink::find_link(socket_, name)).value(); }
  // What an ARP reply or a neighbour advertisement would say.
  void learn(const std::string& neighbour, const MacAddress& mac) {
    ndmsg body{};
    body.ndm_family = address(neighbour).is_v4() ? AF_INET : AF_INET6;
    body.ndm_ifindex = link("left").index;
    body.ndm_state = NUD_REACHABLE;
    netlink::Request request(RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, body);
    request.put(NDA_DST, address(neighbour)).put(NDA_LLADDR, std::span(mac));
    ASSERT_TRUE(socket_.act(request, "learning").ok());
  }
  void forget(const std::string& neighbour) {
    ASSERT_TRUE(netlink::forget_neighbour(socket_, link("left").index, address(neighbour)).ok());
  }
  // 198.51.100.0/24 is behind 192.0.2.1, which is known.
  void route_by_gateway() {
    learn("192.0.2.1", kFirst);
    ASSERT_TRUE(netlink::put_route(socket_, {.destination = *Prefix::parse("198.51.100.0/24"),
                                             .gateway = address("192.0.2.1"),
                                             .source = std::nullopt,
                                             .link_index = link("left").index})
                    .ok());
  }
  netlink::Socket& socket() { return socket_; }

 private:
  netlink::Socket socket_;
};

// Until the kernel has told of it.
void await(NextHopKeeper& keeper, uint32_t target, const std::optional<MacAddress>& expected) {
  constexpr int kToldWithinMs = 10'000;
  for (pollfd told{keeper.fd(), POLLIN, 0};
       keeper.next_hops().find(target) != expected && ::poll(&told, 1, kToldWithinMs) == 1;)
    keeper.on_events(kAt);
  EXPECT_EQ(keeper.next_hops().find(target), expected);
}

TEST(NextHopKeeper, FollowsWhatTheKernelLearns) {
  in_own_namespace([] {
    Kernel kernel;
    auto keeper = NextHopKeeper::open("left", kOwn);
    ASSERT_TRUE(keeper.ok());
    kernel.learn(kBackendV4, kFirst);
    keeper->follow(*table_to({kBackendV4, kBackendV6}), kAt);
    await(*keeper, 1, kFirst);
    EXPECT_EQ(keeper->next_hops().find(2), std::nullopt);
    EXPECT_TRUE(keeper->is_resolving(kAt));
    EXPECT_FALSE(keeper->is_resolving(kAt + 2s)) << "nobody waits for ever";
    kernel.learn(kBackendV6, kSecond);
    await(*keeper, 2, kSecond);
    EXPECT_FALSE(keeper->is_resolving(kAt));
    kernel.learn(kBackendV4, kSecond);  // another machine has taken the address over
    await(*keeper, 1, kSecond);
    kernel.forget(kBackendV4);
    await(*keeper, 1, std::nullopt);
    EXPECT_EQ(keeper->next_hops().find(2), kSecond);
  });
}

bool is_managed(const std::string& neighbour) {
  return ::system(("ip neigh show dev left to " + neighbour + " | grep -q managed").c_str()) == 0;
}

TEST(NextHopKeeper, WhatTheKernelDropsIsAskedForAgain) {
  in_own_namespace([] {
    Kernel kernel;
    auto keeper = NextHopKeeper::open("left", kOwn);
    ASSERT_TRUE(keeper.ok());
    keeper->follow(*table_to({kBackendV4}), kAt);
    kernel.learn(kBackendV4, kFirst);
    await(*keeper, 1, kFirst);
    kernel.forget(kBackendV4);
    await(*keeper, 1, std::nullopt);
    EXPECT_TRUE(is_managed(kBackendV4));
    kernel.learn(kBackendV4, kSecond);
    await(*keeper, 1, kSecond);
  });
}

TEST(NextHopKeeper, WhatAnAdministratorHasFixedStaysSo) {
  in_own_namespace([] {
    Kernel kernel;
    ASSERT_EQ(::system("ip neigh add 192.0.2.20 lladdr 02:00:00:00:00:21 nud permanent dev left"), 0);
    auto keeper = NextHopKeeper::open("left", kOwn);
    ASSERT_TRUE(keeper.ok());
    keeper->follow(*table_to({kBackendV4}), kAt);
    EXPECT_EQ(keeper->next_hops().find(1), kFirst);
    keeper->follow(*table_to({}), kAt);
    EXPECT_EQ(::system("ip neigh show dev left to 192.0.2.20 | grep -q PERMANENT"), 0);
  });
}

TEST(NextHopKeeper, ATunnelDoesNotBeginAtAVip) {
  in_own_namespace([] {
    auto keeper = NextHopKeeper::open("left", kOwn);
    ASSERT_TRUE(keeper.ok());
    Kernel kernel("192.0.2.100/32");  // the first address is what the kernel would take
    kernel.learn("192.0.2.1", kFirst);
    ASSERT_EQ(::system("ip route add 198.51.100.0/24 via 192.0.2.1 dev left src 192.0.2.100"), 0);
    keeper->on_events(kAt);
    keeper->follow(*table_to({"198.51.100.7"}, contract::Forwarding::kIpip), kAt);
    EXPECT_EQ(keeper->surroundings().sources.at(address("198.51.100.7")), address("192.0.2.10"));
    EXPECT_EQ(keeper->next_hops().find(1), kFirst);
    ASSERT_EQ(::system("ip addr del 192.0.2.10/24 dev left"), 0);
    ASSERT_EQ(::system("ip route replace 198.51.100.0/24 dev left src 192.0.2.100"), 0);
    await(*keeper, 1, std::nullopt);
    EXPECT_TRUE(keeper->surroundings().sources.empty());
  });
}

TEST(NextHopKeeper, WhatWasLearnedBeforeIsKnownAtOnce) {
  in_own_namespace([] {
    Kernel kernel;
    kernel.learn(kBackendV4, kFirst);
    auto keeper = NextHopKeeper::open("left", kOwn);
    ASSERT_TRUE(keeper.ok());
    keeper->follow(*table_to({kBackendV4}), kAt);
    EXPECT_EQ(keeper->next_hops().find(1), kFirst);
    keeper->follow(*table_to({}), kAt);
    EXPECT_EQ(keeper->next_hops().find(1), std::nullopt) << "the target is gone";
  });
}

TEST(NextHopKeeper, OnlyNeighboursOnTheHostLinkAreReached) {
  in_own_namespace([] {
    Kernel kernel;
    kernel.route_by_gateway();
    auto keeper = NextHopKeeper::open("left", kOwn);
    ASSERT_TRUE(keeper.ok());
    keeper->follow(*table_to({"192.0.2.10", "203.0.113.9", "198.51.100.7"}), kAt);
    for (const uint32_t id : {1u, 2u, 3u}) EXPECT_EQ(keeper->next_hops().find(id), std::nullopt) << id;
    EXPECT_FALSE(keeper->is_resolving(kAt)) << "there is nothing to wait for";
  });
}

TEST(NextHopKeeper, ATunnelLeadsThroughGatewaysAndBeginsAtThisMachine) {
  in_own_namespace([] {
    Kernel kernel;
    kernel.route_by_gateway();
    ASSERT_TRUE(netlink::set_link_mtu(kernel.socket(), kernel.link("left"), 1400).ok());
    auto keeper = NextHopKeeper::open("left", kOwn);
    ASSERT_TRUE(keeper.ok());
    keeper->follow(*table_to({"198.51.100.7"}, contract::Forwarding::kIpip), kAt);
    EXPECT_EQ(keeper->next_hops().find(1), kFirst);
    const l4::Surroundings expected{
        .sources = {{address("198.51.100.7"), address("192.0.2.10")}}, .mtu_bytes = 1400, .uplink_mac = kOwn};
    EXPECT_EQ(keeper->surroundings(), expected);
    ASSERT_TRUE(netlink::set_link_mtu(kernel.socket(), kernel.link("left"), 1300).ok());
    EXPECT_TRUE(keeper->on_events(kAt));
    EXPECT_EQ(keeper->surroundings().mtu_bytes, 1300u);
  });
}

TEST(NextHopKeeper, AHostLinkThatComesLaterIsFollowed) {
  in_own_namespace([] {
    auto keeper = NextHopKeeper::open("left", kOwn);
    ASSERT_TRUE(keeper.ok());
    keeper->follow(*table_to({kBackendV4}), kAt);
    EXPECT_EQ(keeper->next_hops().find(1), std::nullopt);
    Kernel kernel;
    kernel.learn(kBackendV4, kFirst);
    await(*keeper, 1, kFirst);
    ASSERT_TRUE(netlink::delete_link(kernel.socket(), kernel.link("left")).ok());
    await(*keeper, 1, std::nullopt);
  });
}

}  // namespace
}  // namespace headgate::fastpath
