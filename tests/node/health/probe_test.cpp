// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/health/probe.hpp"

#include <optional>

#include <gtest/gtest.h>

#include "tests/node/health/backend.hpp"

namespace headgate::node {
namespace {

class ProbeTest : public testing::Test {
 protected:
  ProbeResult probe(const Endpoint& endpoint, contract::HealthCheckType type, contract::Millis timeout) {
    ProbeTarget target{{}, "app:1", endpoint};
    target.check.type = type;
    target.check.timeout = timeout;
    std::optional<ProbeResult> result;
    Probe probe(loop_, target, [&](ProbeResult done) { result = std::move(done); });
    EXPECT_FALSE(result) << "never from inside the constructor";
    EXPECT_TRUE(turn_until(loop_, [&] { return result.has_value(); }));
    return result.value_or(ProbeResult{});
  }
  static constexpr contract::Millis kLong{10'000}, kShort{50};
  EventLoop loop_;
};

TEST_F(ProbeTest, TcpThatConnectsIsGood) {
  Backend backend(loop_);
  EXPECT_TRUE(probe(backend.endpoint(), contract::HealthCheckType::kTcp, kLong).good);
}

TEST_F(ProbeTest, ARefusedConnectionIsBad) {
  Endpoint closed;
  {
    Backend backend(loop_);
    closed = backend.endpoint();
  }
  const auto result = probe(closed, contract::HealthCheckType::kTcp, kLong);
  EXPECT_FALSE(result.good);
  EXPECT_EQ(result.reason, "Connection refused");
}

TEST_F(ProbeTest, HttpIsJudgedByItsStatus) {
  Backend backend(loop_);
  backend.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(probe(backend.endpoint(), contract::HealthCheckType::kHttp, kLong).good);
  EXPECT_TRUE(backend.last_request().starts_with("GET / HTTP/1.1\r\nHost: app:1\r\n"))
      << backend.last_request();
  backend.answer("HTTP/1.1 500 No\r\n\r\n");
  EXPECT_EQ(probe(backend.endpoint(), contract::HealthCheckType::kHttp, kLong).reason, "status 500");
}

TEST_F(ProbeTest, SilenceIsBadAfterTheTimeout) {
  Backend backend(loop_);
  const auto result = probe(backend.endpoint(), contract::HealthCheckType::kHttp, kShort);
  EXPECT_FALSE(result.good);
  EXPECT_EQ(result.reason, "no answer in time");
}

}  // namespace
}  // namespace headgate::node
