// SPDX-License-Identifier: Apache-2.0
// TLS to backends: who is believed, who we are, what resumes, and what is never done in its place.
#include <fstream>

#include <gmock/gmock.h>

#include "tests/shard/tls_fixture.hpp"
#include "tests/support/http2_peer.hpp"

namespace headgate::shard {
namespace {

using testing::HasSubstr;
using testing_support::http2_frame;
using testing_support::TlsBackendOptions;

class UpstreamTlsTest : public TlsFixture {
 protected:
  void start_with_backend(const contract::PoolTls& settings) {
    contract::TrustBundle bundle;
    bundle.uid = "b1";
    bundle.certificates = authority_.certificate();
    objects_.push_back(bundle);
    objects_.insert(objects_.end(), {settings_, web_listener(), route(), pool_with(settings)});
    start_with(objects_);
  }
  contract::Pool pool_with(const contract::PoolTls& settings) {
    auto backends = pool({backend_.port()});
    backends.tls = settings;
    backends.protocol = protocol_;
    return backends;
  }
  static contract::PoolTls verified(const std::string& name = "backend.example") {
    contract::PoolTls settings;
    settings.server_name = name;
    settings.ca = "b1";
    return settings;
  }
  IssuedCertificate backends_own() { return issue("b", "DNS:backend.example"); }

  // One exchange with a backend that shows what `options` say; what the client got.
  std::string exchange_with(const TlsBackendOptions& options) {
    auto client = connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    auto socket = backend_.accept();
    if (!socket) return "no connection";
    TlsPeer backend(std::move(socket), options);
    if (backend.handshake()) {
      server_name_ = backend.server_name();
      resumed_ = backend.resumed();
      client_name_ = backend.peer_name();
      if (!backend.read_head().empty())
        backend.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
    }
    backend.socket().shutdown_write();
    return client.read_all();
  }
  std::string exchange_with(const IssuedCertificate& own) { return exchange_with({.own = own}); }

  // The log's lines so far, once they hold `text`.
  std::string await_log(const std::string& text) {
    std::string lines;
    await([&] {
      std::ifstream stream(log_path_);
      lines.assign(std::istreambuf_iterator<char>(stream), {});
      return lines.find(text) != std::string::npos;
    });
    return lines;
  }

  contract::PoolProtocol protocol_ = contract::PoolProtocol::kHttp1;
  std::string server_name_;
  std::string client_name_;
  bool resumed_ = false;
};

TEST_F(UpstreamTlsTest, ABackendIsBelievedUnderItsName) {
  start_with_backend(verified());
  EXPECT_THAT(exchange_with(backends_own()), HasSubstr("200 OK"));
  EXPECT_EQ(server_name_, "backend.example");
  EXPECT_EQ(count("upstream_tls_handshakes_total"), 1u);
}

TEST_F(UpstreamTlsTest, WithoutAServerNameTheBackendsOwnHostCounts) {
  start_with_backend(verified(""));
  EXPECT_THAT(exchange_with(issue("b", "IP:127.0.0.2")), HasSubstr("tls_peer_name_mismatch"));
  EXPECT_THAT(exchange_with(issue("b", "IP:127.0.0.1")), HasSubstr("200 OK"));
  EXPECT_EQ(server_name_, "");
}

TEST_F(UpstreamTlsTest, WhoIsNotBelievedIsAConnectFailureAndTheLogSaysWhy) {
  start_with_backend(verified());
  EXPECT_THAT(exchange_with(issue("b", "DNS:other.example")), HasSubstr("503"));
  CertificateSpec spec;
  spec.alternative_names = "DNS:backend.example";
  EXPECT_THAT(exchange_with(TestAuthority("Other").issue(spec)), HasSubstr("503"));
  spec.begins_in_s = -7200;
  spec.ends_in_s = -3600;
  EXPECT_THAT(exchange_with(authority_.issue(spec)), HasSubstr("503"));
  const auto log = await_log("tls_expired_peer_certificate");
  EXPECT_THAT(log, HasSubstr("tls_peer_name_mismatch"));
  EXPECT_THAT(log, HasSubstr("tls_untrusted_peer_certificate"));
  EXPECT_EQ(count("upstream_tls_failures_total"), 3u);
  EXPECT_EQ(count("upstream_tls_failures_total", "expired_peer_certificate"), 1u);
  EXPECT_EQ(count("upstream_connect_failures_total"), 3u);
  EXPECT_EQ(count("exchanges_total", "backend_unreachable"), 3u);
}

TEST_F(UpstreamTlsTest, ABackendIsBelievedByAnIdentityOfItsSan) {
  auto settings = verified();
  settings.subject_alt_names = {"spiffe://mesh/app"};
  start_with_backend(settings);
  EXPECT_THAT(exchange_with(issue("b", "URI:spiffe://mesh/app2,DNS:backend.example")),
              HasSubstr("tls_peer_name_mismatch"));
  EXPECT_THAT(exchange_with(issue("b", "URI:spiffe://mesh/app")), HasSubstr("200 OK"));
  EXPECT_EQ(server_name_, "backend.example");
}

TEST_F(UpstreamTlsTest, WithoutVerificationAnyCertificateDoes) {
  contract::PoolTls settings;
  settings.mode = contract::PoolTlsMode::kInsecure;
  start_with_backend(settings);
  EXPECT_THAT(exchange_with(TestAuthority::self_signed({})), HasSubstr("200 OK"));
}

TEST_F(UpstreamTlsTest, WeShowOurOwnCertificate) {
  const auto own = issue("the shard", "URI:spiffe://mesh/shard");
  secrets_ = secrets_of({own});
  objects_.push_back(certificate_object("c1", own));
  auto settings = verified();
  settings.certificate = "c1";
  start_with_backend(settings);
  EXPECT_THAT(exchange_with({.own = backends_own(), .client_authority = authority_.certificate()}),
              HasSubstr("200 OK"));
  EXPECT_EQ(client_name_, "the shard");
}

TEST_F(UpstreamTlsTest, ABackendThatRefusesUsIsNamedAsThat) {
  start_with_backend(verified());
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
    EXPECT_THAT(
        exchange_with(
            {.own = backends_own(), .client_authority = authority_.certificate(), .max_version = version}),
        HasSubstr("tls_refused_by_peer"));
  EXPECT_EQ(count("upstream_tls_failures_total", "refused_by_peer"), 2u);
}

TEST_F(UpstreamTlsTest, WithoutItsKeyNothingIsSentAndNothingPlain) {
  const auto own = issue("the shard", "URI:spiffe://mesh/shard");
  objects_.push_back(certificate_object("c1", own));
  auto settings = verified();
  settings.certificate = "c1";
  start_with_backend(settings);
  EXPECT_THAT(tls_problems(),
              HasSubstr("pool default/app: certificate default/c1: its private key has not come"));
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(client.read_all(), HasSubstr("tls_not_configured"));
  EXPECT_FALSE(backend_.has_waiting());
  shard_->add(secrets_of({own}));
  await([this] { return (void)shard_->settle(), !shard_->settling(); });
  EXPECT_EQ(tls_problems(), "");
  EXPECT_THAT(exchange_with({.own = backends_own(), .client_authority = authority_.certificate()}),
              HasSubstr("200 OK"));
}

TEST_F(UpstreamTlsTest, AuthoritiesThatAreMissingAreNotTheSystems) {
  auto settings = verified();
  settings.ca = "gone";
  start_with_backend(settings);
  EXPECT_THAT(tls_problems(), HasSubstr("pool default/app: the secret with its authorities is not known"));
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(client.read_all(), HasSubstr("tls_not_configured"));
}

TEST_F(UpstreamTlsTest, TheNextConnectionResumes) {
  start_with_backend(verified());
  const auto own = backends_own();
  EXPECT_THAT(exchange_with(own), HasSubstr("200 OK"));
  EXPECT_FALSE(resumed_);
  EXPECT_THAT(exchange_with(own), HasSubstr("200 OK"));
  EXPECT_TRUE(resumed_);
  EXPECT_EQ(count("upstream_tls_handshakes_resumed_total"), 1u);
}

TEST_F(UpstreamTlsTest, AnotherNameOrTrustResumesNothing) {
  start_with_backend(verified());
  const auto own = issue("b", "DNS:backend.example,DNS:b2.example");
  EXPECT_THAT(exchange_with(own), HasSubstr("200 OK"));
  change({pool_with(verified("b2.example"))});
  EXPECT_THAT(exchange_with(own), HasSubstr("200 OK"));
  EXPECT_FALSE(resumed_);
  EXPECT_EQ(server_name_, "b2.example");
  auto settings = verified("b2.example");
  settings.min_version = contract::TlsVersion::kTls13;
  change({pool_with(settings)});
  EXPECT_THAT(exchange_with(own), HasSubstr("200 OK"));
  EXPECT_FALSE(resumed_);
}

TEST_F(UpstreamTlsTest, AConnectionServesTwoExchangesThoughTicketsCameBetween) {
  start_with_backend(verified());
  auto client = connect();
  client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
  TlsPeer backend(backend_.accept(), TlsBackendOptions{.own = backends_own()});
  ASSERT_TRUE(backend.handshake()) << backend.why_not();
  EXPECT_THAT(backend.read_head(), HasSubstr("GET /1 "));
  backend.send(kOk);
  EXPECT_THAT(client.read_until("ok"), HasSubstr("200 OK"));
  client.send("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(backend.read_head(), HasSubstr("GET /2 "));
  backend.send(kOk);
  EXPECT_THAT(client.read_until("ok"), HasSubstr("200 OK"));
  EXPECT_EQ(count("upstream_reuses_total"), 1u);
}

TEST_F(UpstreamTlsTest, AConnectionEndsWithTheContextThatItWasMadeUnder) {
  start_with_backend(verified());
  auto client = connect();
  client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
  TlsPeer backend(backend_.accept(), TlsBackendOptions{.own = backends_own()});
  ASSERT_TRUE(backend.handshake()) << backend.why_not();
  backend.read_head();
  backend.send(kOk);
  EXPECT_THAT(client.read_until("ok"), HasSubstr("200 OK"));
  apply(delta(objects_));  // all of it once more, as a node that comes back says it: nothing has changed
  client.send("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(backend.read_head(), HasSubstr("GET /2 "));
  backend.send(kOk);
  EXPECT_THAT(client.read_until("ok"), HasSubstr("200 OK"));
  contract::TrustBundle other;
  other.uid = "b1";
  other.certificates = TestAuthority("Other").certificate();
  change({other});
  EXPECT_TRUE(backend.at_end()) << "whom it believed is believed no more";
}

TEST_F(UpstreamTlsTest, ABodyThatIsCutIsNoWholeOne) {
  start_with_backend(verified());
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  TlsPeer backend(backend_.accept(), TlsBackendOptions{.own = backends_own()});
  ASSERT_TRUE(backend.handshake());
  backend.read_head();
  backend.send("HTTP/1.1 200 OK\r\n\r\npart");
  client.read_until("part");
  backend.socket().shutdown_write();  // without close_notify
  EXPECT_EQ(client.read_all().find("0\r\n\r\n"), std::string::npos);
  await([this] { return count("exchanges_total", "backend_closed") == 1; });
}

TEST_F(UpstreamTlsTest, APlainBackendIsAConnectFailure) {
  start_with_backend(verified());
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  auto backend = backend_.accept();
  backend.send("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
  EXPECT_THAT(client.read_all(), HasSubstr("tls_not_tls"));
}

TEST_F(UpstreamTlsTest, AHandshakeThatStallsIsCutByTheConnectTimeout) {
  settings_.connect_timeout = contract::Millis(100);
  start_with_backend(verified());
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  auto backend = backend_.accept();
  const auto answer = client.read_all();
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 503"));
  EXPECT_THAT(answer, HasSubstr("tls_timeout"));
}

class UpstreamHttp2TlsTest : public UpstreamTlsTest {
 protected:
  UpstreamHttp2TlsTest() { protocol_ = contract::PoolProtocol::kH2; }

  // The header section that the client's HEADERS frame brings; frames in front of it are passed over.
  static std::string read_headers(TlsPeer& backend) {
    for (;;) {
      const auto head = backend.read_exactly(9);
      if (head.size() < 9) return {};
      std::size_t length_bytes = 0;
      for (int i = 0; i < 3; ++i) length_bytes = length_bytes << 8 | static_cast<uint8_t>(head[i]);
      const auto payload = backend.read_exactly(length_bytes);
      if (head[3] == NGHTTP2_HEADERS) return payload;
    }
  }
};

TEST_F(UpstreamHttp2TlsTest, IsSpokenWhereTheBackendAgrees) {
  start_with_backend(verified());
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  TlsPeer backend(backend_.accept(), TlsBackendOptions{.own = backends_own(), .alpn = "h2"});
  ASSERT_TRUE(backend.handshake()) << backend.why_not();
  EXPECT_EQ(backend.alpn(), "h2");
  backend.send(http2_frame(NGHTTP2_SETTINGS, 0, 0, ""));
  EXPECT_EQ(backend.read_exactly(24), NGHTTP2_CLIENT_MAGIC);
  // RFC 7541 appendix A: ":scheme: https" is number 7, ":status: 200" number 8.
  EXPECT_THAT(read_headers(backend), HasSubstr("\x87"));
  backend.send(http2_frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, "\x88") +
               http2_frame(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, "ok"));
  const auto answer = client.read_all();
  EXPECT_THAT(answer, HasSubstr("200 OK"));
  EXPECT_THAT(answer, HasSubstr("ok"));
  EXPECT_EQ(count("upstream_tls_handshakes_total"), 1u);
}

TEST_F(UpstreamHttp2TlsTest, ABackendThatDoesNotAgreeIsAConnectFailure) {
  start_with_backend(verified());
  EXPECT_THAT(exchange_with(backends_own()), HasSubstr("tls_nothing_in_common"));
  EXPECT_EQ(count("upstream_tls_failures_total", "nothing_in_common"), 1u);
}

TEST_F(UpstreamHttp2TlsTest, EveryExchangeThatWaitsIsToldWhy) {
  start_with_backend(verified());
  auto first = connect(), second = connect();
  for (auto* client : {&first, &second})
    client->send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  await([this] { return count("requests_total") == 2; });
  TlsPeer backend(backend_.accept(), TlsBackendOptions{.own = issue("b", "DNS:x.example"), .alpn = "h2"});
  backend.handshake();
  for (auto* client : {&first, &second}) EXPECT_THAT(client->read_all(), HasSubstr("tls_peer_name_mismatch"));
  EXPECT_FALSE(backend_.has_waiting()) << "they shared one connection";
}

TEST_F(UpstreamHttp2TlsTest, ASessionTakesNothingNewUnderAnotherContext) {
  start_with_backend(verified());
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  TlsPeer backend(backend_.accept(), TlsBackendOptions{.own = backends_own(), .alpn = "h2"});
  ASSERT_TRUE(backend.handshake()) << backend.why_not();
  backend.send(http2_frame(NGHTTP2_SETTINGS, 0, 0, ""));
  backend.read_exactly(24);
  read_headers(backend);
  auto settings = verified();
  settings.min_version = contract::TlsVersion::kTls13;
  change({pool_with(settings)});
  auto late = connect();
  late.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(backend_.accept()) << "the one that runs is not joined";
  backend.send(http2_frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, "\x88") +
               http2_frame(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, "ok"));
  EXPECT_THAT(client.read_until("ok"), HasSubstr("200 OK"));
}

}  // namespace
}  // namespace headgate::shard
