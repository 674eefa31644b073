// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/health/echo_probe.hpp"

#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <tuple>

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/netlink/own_namespace.hpp"
#include "tests/node/health/echo_peer.hpp"
#include "tests/node/health/probed.hpp"

namespace headgate::node {
namespace {

enum class EchoSocket : uint8_t { kGranted, kRaw };

void write_sysctl(const std::string& name, const std::string& value) {
  std::ofstream file("/proc/sys/net/" + name);
  ASSERT_TRUE(file << value << std::flush) << name;
}

void answer_no_echoes() {
  write_sysctl("ipv4/icmp_echo_ignore_all", "1");
  write_sysctl("ipv6/icmp/echo_ignore_all", "1");
}

void drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2]{};
  ASSERT_EQ(::syscall(SYS_capset, &header, none), 0);
}

class EchoProbeTest : public testing::TestWithParam<std::tuple<const char*, EchoSocket>> {
 protected:
  // In a network namespace where the kernel answers on both loopback addresses.
  void run(const std::function<void()>& body) {
    in_own_namespace([&] {
      ASSERT_EQ(std::system("ip link set lo up"), 0);
      const bool is_granted = std::get<EchoSocket>(GetParam()) == EchoSocket::kGranted;
      write_sysctl("ipv4/ping_group_range", is_granted ? "0 2147483647" : "1 0");
      body();
    });
  }
  ProbeResult probe(contract::Millis timeout = kLong) { return probe(address(), timeout); }
  ProbeResult probe(const IpAddress& address, contract::Millis timeout) {
    ProbeTarget target{{}, "dns:53", {address, 53}};
    target.check.type = contract::HealthCheckType::kIcmp;
    target.check.timeout = timeout;
    return probed(loop_, target);
  }
  static IpAddress address() { return *IpAddress::parse(std::get<const char*>(GetParam())); }
  static EchoPeer::Message reply_to(EchoPeer::Message request) {
    request[0] = std::byte(address().is_v6() ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY);
    return request;
  }
  static constexpr contract::Millis kLong{10'000}, kShort{50};
  EventLoop loop_;
};

TEST_P(EchoProbeTest, AMachineThatIsThereAnswers) {
  run([&] {
    const auto result = probe();
    EXPECT_TRUE(result.good) << result.reason;
  });
}

TEST_P(EchoProbeTest, SilenceIsBadAfterTheTimeout) {
  run([&] {
    answer_no_echoes();
    EXPECT_EQ(probe(kShort).reason, "no answer in time");
  });
}

TEST_P(EchoProbeTest, OnlyTheReplyToItsOwnRequestCounts) {
  run([&] {
    answer_no_echoes();
    unsigned requests = 0;
    EchoPeer peer(loop_, address(), [&](const EchoPeer::Message& request) {
      ++requests;
      for (const std::size_t place : {4u, 7u, 8u, 23u}) {  // id, sequence, payload
        auto other = reply_to(request);
        other[place] ^= std::byte{1};
        peer.send(other);
      }
    });
    EXPECT_EQ(probe(kShort).reason, "no answer in time");
    EXPECT_TRUE(turn_until(loop_, [&] { return requests == 1; }));
    EchoPeer honest(loop_, address(),
                    [&](const EchoPeer::Message& request) { honest.send(reply_to(request)); });
    EXPECT_TRUE(probe().good);
  });
}

TEST_P(EchoProbeTest, WhatIsUnreachableIsBadAtOnceWithItsReason) {
  run([&] {
    answer_no_echoes();
    uint8_t code = 0;
    EchoPeer peer(loop_, address(),
                  [&](const EchoPeer::Message& request) { peer.send_unreachable(request, code); });
    code = peer.is_v6() ? 3 : 1;  // of the host
    EXPECT_EQ(probe().reason, "No route to host");
    code = 0;  // of the network
    EXPECT_EQ(probe().reason, "Network is unreachable");
  });
}

TEST_P(EchoProbeTest, WhatIsUnreachableForAnotherProcessIsNoneOfItsBusiness) {
  run([&] {
    answer_no_echoes();
    EchoPeer peer(loop_, address(), [&](const EchoPeer::Message& request) {
      auto other = request;
      other[5] ^= std::byte{1};
      peer.send_unreachable(other, 1);
      peer.send(reply_to(request));
    });
    const auto result = probe();
    EXPECT_TRUE(result.good) << result.reason;
  });
}

TEST_P(EchoProbeTest, WhereThereIsNoWayItSaysSo) {
  run([&] {
    const auto beyond = *IpAddress::parse(address().is_v6() ? "2001:db8::1" : "192.0.2.1");
    EXPECT_EQ(probe(beyond, kLong).reason, "Network is unreachable");
  });
}

TEST_P(EchoProbeTest, WithoutAnyCapabilityItTakesTheGrant) {
  run([&] {
    drop_capabilities();
    const auto result = probe();
    if (std::get<EchoSocket>(GetParam()) == EchoSocket::kGranted)
      EXPECT_TRUE(result.good) << result.reason;
    else
      EXPECT_EQ(result.reason, "echoes need CAP_NET_RAW here, or a group in net.ipv4.ping_group_range");
  });
}

INSTANTIATE_TEST_SUITE_P(FamiliesAndSockets, EchoProbeTest,
                         testing::Combine(testing::Values("127.0.0.1", "::1"),
                                          testing::Values(EchoSocket::kGranted, EchoSocket::kRaw)));

}  // namespace
}  // namespace headgate::node
