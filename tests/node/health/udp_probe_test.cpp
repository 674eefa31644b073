// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/health/udp_probe.hpp"

#include <cstdlib>
#include <string_view>

#include <gtest/gtest.h>

#include "dataplane/core/limits.hpp"
#include "tests/netlink/own_namespace.hpp"
#include "tests/node/health/probed.hpp"
#include "tests/node/health/udp_backend.hpp"

namespace headgate::node {
namespace {

using namespace std::string_view_literals;

class UdpProbeTest : public testing::TestWithParam<const char*> {
 protected:
  ProbeResult probe(const Endpoint& endpoint, contract::Millis timeout = contract::Millis(10'000)) {
    ProbeTarget target{{}, "dns:53", endpoint};
    target.check.type = contract::HealthCheckType::kUdp;
    target.check.timeout = timeout;
    target.check.request.value = request_;
    target.check.response.value = response_;
    return probed(loop_, target);
  }
  static constexpr contract::Millis kShort{50};
  EventLoop loop_;
  std::string request_ = std::string("\0\xff?", 3), response_;
};

TEST_P(UdpProbeTest, AnyAnswerIsGoodWhereNoneIsSaid) {
  UdpBackend backend(loop_, GetParam());
  for (const std::string& answer : {std::string("yes"), std::string(), std::string(4000, 'x')}) {
    backend.answer(answer);
    EXPECT_TRUE(probe(backend.endpoint()).good) << answer.size();
    EXPECT_EQ(backend.last_request(), request_);
  }
}

TEST_P(UdpProbeTest, TheAnswerBeginsWithTheResponse) {
  UdpBackend backend(loop_, GetParam());
  response_ = std::string("o\0k", 3);
  backend.answer(response_ + ", and more");
  EXPECT_TRUE(probe(backend.endpoint()).good);
  backend.answer(response_);
  EXPECT_TRUE(probe(backend.endpoint()).good);
  for (const char* other : {"o", "no", ""}) {
    backend.answer(other);
    const auto result = probe(backend.endpoint());
    EXPECT_FALSE(result.good) << other;
    EXPECT_EQ(result.reason, "another answer than response");
  }
}

TEST_P(UdpProbeTest, TheLongestRequestAndResponseAreOneDatagram) {
  UdpBackend backend(loop_, GetParam());
  request_ = response_ = std::string(limits::kProbeDatagramBytesMax, 'r');
  backend.answer(response_ + "!");
  EXPECT_TRUE(probe(backend.endpoint()).good);
  EXPECT_EQ(backend.last_request(), request_);
}

TEST_P(UdpProbeTest, AnEmptyRequestIsAnEmptyDatagram) {
  UdpBackend backend(loop_, GetParam());
  request_.clear();
  backend.answer("12:00");
  EXPECT_TRUE(probe(backend.endpoint()).good);
  EXPECT_EQ(backend.datagrams(), 1u);
  EXPECT_EQ(backend.last_request(), "");
}

TEST_P(UdpProbeTest, AClosedPortIsBadAtOnce) {
  Endpoint closed;
  {
    UdpBackend backend(loop_, GetParam());
    closed = backend.endpoint();
  }
  const auto result = probe(closed);
  EXPECT_FALSE(result.good);
  EXPECT_EQ(result.reason, "Connection refused");
}

TEST_P(UdpProbeTest, SilenceIsBadAfterTheTimeout) {
  UdpBackend backend(loop_, GetParam());
  EXPECT_EQ(probe(backend.endpoint(), kShort).reason, "no answer in time");
  EXPECT_TRUE(turn_until(loop_, [&] { return backend.datagrams() == 1; }));
}

TEST_P(UdpProbeTest, OnlyTheBackendItselfAnswers) {
  UdpBackend backend(loop_, GetParam()), other(loop_, GetParam());
  backend.answer("yes");
  backend.answer_by(other);
  EXPECT_EQ(probe(backend.endpoint(), kShort).reason, "no answer in time");
  EXPECT_TRUE(turn_until(loop_, [&] { return backend.datagrams() == 1; }));
}

TEST_P(UdpProbeTest, WhereThereIsNoWayItSaysSo) {
  in_own_namespace([&] {
    ASSERT_EQ(std::system("ip link set lo up"), 0);
    const Endpoint beyond{*IpAddress::parse(GetParam() == "::1"sv ? "2001:db8::1" : "192.0.2.1"), 53};
    EXPECT_EQ(probe(beyond).reason, "Network is unreachable");
  });
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, UdpProbeTest, testing::Values("127.0.0.1", "::1"));

}  // namespace
}  // namespace headgate::node
