// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/health/stream_probe.hpp"

#include <optional>
#include <thread>

#include <gtest/gtest.h>

#include "tests/node/health/backend.hpp"
#include "tests/node/health/probed.hpp"
#include "tests/support/tls_peer.hpp"

namespace headgate::node {
namespace {

class StreamProbeTest : public testing::Test {
 protected:
  ProbeResult probe(const Endpoint& endpoint, contract::HealthCheckType type, contract::Millis timeout) {
    ProbeTarget target{{}, "app:1", endpoint, "app.example", proxy_protocol_};
    target.check.type = type;
    target.check.timeout = timeout;
    return probed(loop_, target, tls_);
  }
  static constexpr contract::Millis kLong{10'000}, kShort{50};
  EventLoop loop_;
  Probe::ContextPtr tls_;
  std::optional<contract::ProxyVersion> proxy_protocol_;
};

TEST_F(StreamProbeTest, TcpThatConnectsIsGood) {
  Backend backend(loop_);
  EXPECT_TRUE(probe(backend.endpoint(), contract::HealthCheckType::kTcp, kLong).good);
}

TEST_F(StreamProbeTest, ARefusedConnectionIsBad) {
  Endpoint closed;
  {
    Backend backend(loop_);
    closed = backend.endpoint();
  }
  const auto result = probe(closed, contract::HealthCheckType::kTcp, kLong);
  EXPECT_FALSE(result.good);
  EXPECT_EQ(result.reason, "Connection refused");
}

TEST_F(StreamProbeTest, HttpIsJudgedByItsStatus) {
  Backend backend(loop_);
  backend.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(probe(backend.endpoint(), contract::HealthCheckType::kHttp, kLong).good);
  EXPECT_TRUE(backend.last_request().starts_with("GET / HTTP/1.1\r\nHost: app:1\r\n"))
      << backend.last_request();
  backend.answer("HTTP/1.1 500 No\r\n\r\n");
  EXPECT_EQ(probe(backend.endpoint(), contract::HealthCheckType::kHttp, kLong).reason, "status 500");
}

TEST_F(StreamProbeTest, WhereThePoolSpeaksTheProxyProtocolItSpeaksForItself) {
  Backend backend(loop_);
  backend.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  proxy_protocol_ = contract::ProxyVersion::kV1;
  EXPECT_TRUE(probe(backend.endpoint(), contract::HealthCheckType::kHttp, kLong).good);
  EXPECT_TRUE(backend.last_request().starts_with("PROXY UNKNOWN\r\nGET / HTTP/1.1\r\n"))
      << backend.last_request();
  proxy_protocol_ = contract::ProxyVersion::kV2;
  EXPECT_TRUE(probe(backend.endpoint(), contract::HealthCheckType::kHttp, kLong).good);
  EXPECT_TRUE(backend.last_request().starts_with(std::string("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0GET / ", 22)));
}

TEST_F(StreamProbeTest, HttpsIsHttpOverTlsWhateverCertificateIsShown) {
  tls::ClientPolicy policy;
  policy.verifies = false;
  tls_ = *tls::ClientContext::make(policy);
  const auto own = testing_support::TestAuthority::self_signed({});
  for (const auto* answer : {"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 503 No\r\n\r\n", ""}) {
    testing_support::ListeningPeer listening;
    std::string head, asked_for;
    std::thread backend([&] {
      testing_support::TlsPeer peer(listening.accept(), testing_support::TlsBackendOptions{.own = own});
      if (!peer.handshake()) return;
      asked_for = peer.server_name();
      head = peer.read_head();
      peer.send(answer);
      peer.close_notify();
    });
    const Endpoint endpoint{IpAddress::v4(INADDR_LOOPBACK), listening.port()};
    const auto result = probe(endpoint, contract::HealthCheckType::kHttps, kLong);
    backend.join();
    EXPECT_TRUE(head.starts_with("GET / HTTP/1.1\r\nHost: app:1\r\n")) << head;
    EXPECT_EQ(asked_for, "app.example");
    const std::string_view said(answer);
    EXPECT_EQ(result.reason, said.empty()                    ? "it closed the connection without an answer"
                             : said.find("503") != said.npos ? "status 503"
                                                             : "");
    EXPECT_EQ(result.good, said.find("200") != said.npos);
  }
}

TEST_F(StreamProbeTest, HttpsOfABackendWithoutTlsIsBad) {
  tls_ = *tls::ClientContext::make({});
  testing_support::ListeningPeer listening;
  std::thread backend([&] {
    auto peer = listening.accept();
    peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    peer.read_all();
  });
  const Endpoint endpoint{IpAddress::v4(INADDR_LOOPBACK), listening.port()};
  EXPECT_EQ(probe(endpoint, contract::HealthCheckType::kHttps, kLong).reason, "TLS failed: not_tls");
  backend.join();
}

TEST_F(StreamProbeTest, SilenceIsBadAfterTheTimeout) {
  Backend backend(loop_);
  const auto result = probe(backend.endpoint(), contract::HealthCheckType::kHttp, kShort);
  EXPECT_FALSE(result.good);
  EXPECT_EQ(result.reason, "no answer in time");
}

}  // namespace
}  // namespace headgate::node
