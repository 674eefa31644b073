// SPDX-License-Identifier: Apache-2.0
// TLS of clients as they see it: which certificate, whose client certificates, what resumes, what is refused
// and how, and bytes both ways.
#include <gmock/gmock.h>

#include "tests/shard/tls_fixture.hpp"

namespace headgate::shard {
namespace {

using testing::HasSubstr;

class TlsTest : public TlsFixture {};

TEST_F(TlsTest, AnExchangeOverTls) {
  start_tls({issue("app", "DNS:app.example")});
  auto client = peer();
  ASSERT_TRUE(client.handshake()) << client.why_not();
  EXPECT_EQ(client.version(), "TLSv1.3");
  EXPECT_THAT(exchange(client), HasSubstr("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(request_head_, HasSubstr("x-forwarded-proto: https\r\n"));
  EXPECT_TRUE(counts(1, "tls_handshakes_total"));
  EXPECT_EQ(count("tls_handshakes_resumed_total"), 0u);
}

TEST_F(TlsTest, Tls12WithTheCertificateThatItsCiphersAskFor) {
  start_tls(
      {issue("ec", "DNS:app.example"), issue("rsa", "DNS:app.example", CertificateSpec::Key::kRsa2048)});
  for (const auto& [ciphers, name] :
       {std::pair("ECDHE-RSA-AES128-GCM-SHA256", "rsa"), std::pair("ECDHE-ECDSA-AES128-GCM-SHA256", "ec")}) {
    auto client = peer(TlsPeerOptions{.server_name = "app.example",
                                      .authority = authority_.certificate(),
                                      .max_version = TLS1_2_VERSION,
                                      .ciphers = ciphers});
    ASSERT_TRUE(client.handshake()) << client.why_not();
    EXPECT_EQ(client.version(), "TLSv1.2");
    EXPECT_EQ(client.peer_name(), name);
    EXPECT_THAT(exchange(client), HasSubstr("200 OK"));
  }
}

TEST_F(TlsTest, TheServerNameChoosesTheCertificate) {
  start_tls(
      {issue("first", "DNS:first.example"), issue("wild", "DNS:*.example"), issue("app", "DNS:app.example")});
  const struct {
    const char* server_name;
    const char* shown;
  } cases[] = {{"app.example", "app"},
               {"APP.example", "app"},
               {"other.example", "wild"},
               {"first.example", "first"},
               {"a.b.example", "first"},
               {"stranger.test", "first"},
               {"", "first"}};
  for (const auto& [server_name, shown] : cases) {
    auto client = peer(server_name);
    ASSERT_TRUE(client.handshake()) << server_name << ": " << client.why_not();
    EXPECT_EQ(client.peer_name(), shown) << server_name;
  }
}

TEST_F(TlsTest, ACertificateWithoutItsKeyHarmsItsOwnNamesUntilTheKeyComes) {
  const auto app = issue("app", "DNS:app.example");
  start_tls({issue("first", "DNS:first.example"), app}, 1);
  EXPECT_THAT(tls_problems(), HasSubstr("certificate default/c1: its private key has not come yet"));
  auto refused = peer("app.example");
  EXPECT_FALSE(refused.handshake());
  EXPECT_THAT(refused.why_not(), HasSubstr("unrecognized name"));
  auto other = peer("first.example");
  EXPECT_TRUE(other.handshake()) << other.why_not();
  EXPECT_TRUE(counts(1, "tls_handshake_failures_total", "no_certificate"));

  shard_->add(secrets_of({app}));
  await([this] { return (void)shard_->settle(), !shard_->settling(); });
  EXPECT_EQ(tls_problems(), "");
  auto served = peer("app.example");
  EXPECT_TRUE(served.handshake()) << served.why_not();
}

TEST_F(TlsTest, WithoutAnyCertificateAClientGetsAnAlert) {
  start_tls({issue("app", "DNS:app.example")}, 0);
  auto client = peer();
  EXPECT_FALSE(client.handshake());
  EXPECT_THAT(client.why_not(), HasSubstr("unrecognized name"));
}

TEST_F(TlsTest, ASecretThatIsNotWhatItsDigestSaysIsNotTaken) {
  const auto app = issue("app", "DNS:app.example");
  start_tls({app}, 0);
  shard_->add({{{tls::sha256_hex(app.key), app.key + " "}}});
  EXPECT_THAT(tls_problems(), HasSubstr("has not come yet"));
}

TEST_F(TlsTest, ClientCertificates) {
  const TestAuthority clients("Client CA");
  CertificateSpec spec;
  spec.common_name = "a client";
  spec.alternative_names = "URI:spiffe://mesh/client";
  const auto theirs = clients.issue(spec);
  const auto strangers = TestAuthority("Other CA").issue(spec);
  contract::TrustBundle bundle;
  bundle.uid = "b1";
  bundle.certificates = clients.certificate();
  objects_.push_back(bundle);
  tls_.client_ca = "b1";
  tls_.client_auth = contract::ClientAuth::kOptional;
  start_tls({issue("app", "DNS:app.example")});
  const auto meets = [&](const IssuedCertificate& own) {
    auto client =
        peer(TlsPeerOptions{.server_name = "app.example", .authority = authority_.certificate(), .own = own});
    // Of TLS 1.3 a client learns what the server thinks of its certificate with the first bytes it reads.
    return client.handshake() && !exchange_or_nothing(client).empty();
  };
  EXPECT_TRUE(meets({}));
  EXPECT_TRUE(meets(theirs));
  EXPECT_FALSE(meets(strangers));
  EXPECT_TRUE(counts(1, "tls_handshake_failures_total", "untrusted_peer_certificate"));

  tls_.client_auth = contract::ClientAuth::kRequire;
  change({tls_listener()});
  EXPECT_FALSE(meets({}));
  EXPECT_TRUE(meets(theirs));
  EXPECT_FALSE(meets(strangers));
  EXPECT_TRUE(counts(1, "tls_handshake_failures_total", "no_peer_certificate"));
}

TEST_F(TlsTest, MinVersionHolds) {
  tls_.min_version = contract::TlsVersion::kTls13;
  start_tls({issue("app", "DNS:app.example")});
  auto old = peer(TlsPeerOptions{.server_name = "app.example", .max_version = TLS1_2_VERSION});
  EXPECT_FALSE(old.handshake());
  EXPECT_THAT(old.why_not(), HasSubstr("protocol version"));
  EXPECT_TRUE(counts(1, "tls_handshake_failures_total", "nothing_in_common"));
  auto modern = peer();
  EXPECT_TRUE(modern.handshake());
}

TEST_F(TlsTest, AlpnIsAgreedOnOrTheHandshakeEnds) {
  start_tls({issue("app", "DNS:app.example")});
  auto both = peer(TlsPeerOptions{.server_name = "app.example", .alpn = std::string("\x02h2\x08http/1.1")});
  ASSERT_TRUE(both.handshake()) << both.why_not();
  EXPECT_EQ(both.alpn(), "h2");
  auto older = peer(TlsPeerOptions{.server_name = "app.example", .alpn = std::string("\x08http/1.1")});
  ASSERT_TRUE(older.handshake()) << older.why_not();
  EXPECT_EQ(older.alpn(), "http/1.1");
  auto neither = peer(TlsPeerOptions{.server_name = "app.example", .alpn = std::string("\x03xyz")});
  EXPECT_FALSE(neither.handshake());
  EXPECT_THAT(neither.why_not(), HasSubstr("no application protocol"));
}

TEST_F(TlsTest, ACertificateIsReplacedUnderALiveConnection) {
  start_tls({issue("old", "DNS:app.example")});
  auto client = peer();
  ASSERT_TRUE(client.handshake());
  EXPECT_THAT(exchange(client), HasSubstr("200 OK"));
  const auto renewed = issue("new", "DNS:app.example");
  shard_->add(secrets_of({renewed}));
  change({certificate_object("c0", renewed)});
  EXPECT_EQ(tls_problems(), "");
  auto next = peer();
  ASSERT_TRUE(next.handshake());
  EXPECT_EQ(next.peer_name(), "new");
  client.send("GET / HTTP/1.1\r\nHost: nobody\r\n\r\n");
  EXPECT_THAT(client.read_head(), HasSubstr("HTTP/1.1 4"));
}

TEST_F(TlsTest, AHostOfAnotherCertificateIsMisdirected) {
  start_tls({issue("app", "DNS:app.example,DNS:a"), issue("other", "DNS:other.example")});
  auto client = peer("app.example");
  ASSERT_TRUE(client.handshake());
  client.send("GET / HTTP/1.1\r\nHost: other.example\r\n\r\n");
  EXPECT_EQ(client.read_until("misdirected\n").substr(9, 3), "421");
  EXPECT_TRUE(counts(1, "not_routed_total", "misdirected"));
  EXPECT_THAT(exchange(client, "a"), HasSubstr("200 OK"));  // the same certificate stands for it
}

TEST_F(TlsTest, AHostOfAnotherListenerIsMisdirected) {
  auto strict = tls_listener();
  strict.uid = "l2";
  strict.name = "strict";
  strict.hostname = "strict.example";
  strict.tls = contract::ListenerTls{};
  strict.tls->certificates = {"c0"};
  objects_.push_back(strict);
  start_tls({issue("both", "DNS:app.example,DNS:strict.example")});
  auto client = peer("app.example");
  ASSERT_TRUE(client.handshake());
  client.send("GET / HTTP/1.1\r\nHost: strict.example\r\n\r\n");
  EXPECT_EQ(client.read_until("misdirected\n").substr(9, 3), "421");
}

TEST_F(TlsTest, ASlowHandshakeHasADeadline) {
  settings_.handshake_timeout = contract::Millis(100);
  start_tls({issue("app", "DNS:app.example")});
  auto client = connect();
  client.send("\x16\x03\x01");  // the beginning of a record
  EXPECT_TRUE(client.at_end());
  EXPECT_TRUE(counts(1, "tls_handshake_failures_total", "timeout"));
}

TEST_F(TlsTest, WhatIsNoTlsGetsAnAlertAndIsCounted) {
  start_tls({issue("app", "DNS:app.example")});
  const std::string garbage[] = {"GET / HTTP/1.1\r\nHost: app.example\r\n\r\n", std::string(64, '\0'),
                                 std::string("\x16\x03\x01\xff\xff", 5) + std::string(100, 'x')};
  for (const auto& bytes : garbage) {
    auto client = connect();
    client.send(bytes);
    client.shutdown_write();
    client.read_all();
  }
  await([&] { return count("tls_handshake_failures_total") == std::size(garbage); });
  auto gone = connect();
  gone.reset();
  EXPECT_TRUE(counts(1, "tls_handshake_failures_total", "gone"));
}

TEST_F(TlsTest, BothSidesSayThatTheyEnd) {
  start_tls({issue("app", "DNS:app.example")});
  auto client = peer();
  ASSERT_TRUE(client.handshake());
  client.send("GET / HTTP/1.1\r\nHost: nobody\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(client.read_until("no_rule\n"), HasSubstr("404"));
  EXPECT_TRUE(client.at_end());
  auto polite = peer();
  ASSERT_TRUE(polite.handshake());
  polite.close_notify();
  EXPECT_TRUE(polite.at_end());
}

TEST_F(TlsTest, ATruncatedResponseIsNoWholeOneToTheClient) {
  start_tls({issue("app", "DNS:app.example")});
  auto client = peer();
  ASSERT_TRUE(client.handshake());
  client.send("GET / HTTP/1.1\r\nHost: app.example\r\n\r\n");
  auto backend = backend_.accept();
  backend.read_head();
  backend.send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart");
  client.read_until("part");
  backend.close();
  EXPECT_FALSE(client.at_end());
  EXPECT_FALSE(client.ended()) << "an end was said";
}

TEST_F(TlsTest, ABodyCutByTheClientReachesNoBackendAsWhole) {
  start_tls({issue("app", "DNS:app.example")});
  auto client = peer();
  ASSERT_TRUE(client.handshake());
  client.send("POST / HTTP/1.1\r\nHost: app.example\r\nContent-Length: 100\r\n\r\npart");
  auto backend = backend_.accept();
  backend.read_until("part");
  client.socket().shutdown_write();
  EXPECT_EQ(backend.read_all(), "");
  EXPECT_TRUE(counts(1, "exchanges_total", "client_gone"));
}

TEST_F(TlsTest, FiftyMegabytesEachWay) {
  start_tls({issue("app", "DNS:app.example")});
  auto client = peer();
  ASSERT_TRUE(client.handshake());
  std::string body(50u << 20, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 2654435761u >> 13);
  client.send("POST / HTTP/1.1\r\nHost: app.example\r\nContent-Length: " + std::to_string(body.size()) +
              "\r\n\r\n");
  auto backend = backend_.accept();
  backend.read_head();
  std::thread uploads([&] { client.send(body); });
  EXPECT_TRUE(backend.read_exactly(body.size()) == body);
  uploads.join();
  std::thread downloads([&] {
    backend.send("HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n");
    backend.send(body);
  });
  client.read_head();
  EXPECT_TRUE(client.read_exactly(body.size()) == body);
  downloads.join();
}

TEST_F(TlsTest, PipelinedRequestsInOneRecordAreAllAnswered) {
  start_tls({issue("app", "DNS:app.example")});
  auto client = peer();
  ASSERT_TRUE(client.handshake());
  std::string requests;
  for (int i = 0; i < 40; ++i) requests += "GET / HTTP/1.1\r\nHost: nobody\r\n\r\n";
  client.send(requests);
  for (int i = 0; i < 40; ++i) EXPECT_THAT(client.read_until("no_rule\n"), HasSubstr("404")) << i;
}

TEST_F(TlsTest, AHandshakeByteByByte) {
  start_tls({issue("app", "DNS:app.example")});
  auto client = peer();
  ASSERT_TRUE(client.handshake_slowly()) << client.why_not();
  EXPECT_THAT(exchange(client), HasSubstr("200 OK"));
}

TEST_F(TlsTest, ManyHandshakesAtOnce) {
  start_tls({issue("app", "DNS:app.example")});
  constexpr unsigned kThreads = 4;
  constexpr unsigned kEach = 50;
  std::atomic<unsigned> served{0};
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < kThreads; ++thread)
    threads.emplace_back([&] {
      std::vector<std::unique_ptr<TlsPeer>> clients;
      for (unsigned i = 0; i < kEach; ++i) {
        clients.push_back(std::make_unique<TlsPeer>(
            connect(), TlsPeerOptions{.server_name = "app.example", .authority = authority_.certificate()}));
        if (!clients.back()->handshake()) continue;
        clients.back()->send("GET / HTTP/1.1\r\nHost: nobody\r\n\r\n");
        if (clients.back()->read_until("no_rule\n").starts_with("HTTP/1.1 404")) ++served;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(served, kThreads * kEach);
}

TEST_F(TlsTest, ADrainClosesIdleConnections) {
  start_tls({issue("app", "DNS:app.example")});
  auto client = peer();
  ASSERT_TRUE(client.handshake());
  client.send("GET / HTTP/1.1\r\nHost: nobody\r\n\r\n");
  client.read_until("no_rule\n");
  shard_->drain();
  EXPECT_TRUE(client.at_end());
  await([this] { return shard_->drained(); });
}

}  // namespace
}  // namespace headgate::shard
