// SPDX-License-Identifier: Apache-2.0
// Who a client is by its certificate: what backends are told (RFC 9440), and logs, on one tier and on two.
#include <gmock/gmock.h>

#include "dataplane/tls/certificate.hpp"
#include "tests/shard/hop_fixture.hpp"
#include "tests/support/http2_peer.hpp"

namespace headgate::shard {
namespace {

using contract::LogField;
using testing::HasSubstr;
using testing::Not;
using testing_support::base64_of;
using testing_support::SslSessionPtr;

constexpr const char* kForged = "Client-Cert: :forged:\r\nClient-Cert-Chain: :forged:\r\n";

class ClientCertificateTest : public HopFixture {
 protected:
  void SetUp() override {
    HopFixture::SetUp();
    settings_.access_log_fields = {LogField::kTlsClient, LogField::kTlsClientSha256, LogField::kStatus};
    tls_.client_auth = contract::ClientAuth::kOptional;
    tls_.client_ca = "b1";
    tls_.forward_certificate = true;
    bundle_.uid = "b1";
    bundle_.certificates = clients_.certificate();
    protocol_ = contract::Protocol::kHttps;
  }
  void start_one_tier() {
    objects_.push_back(bundle_);
    start_tls({issue("app", "DNS:app.example")});
  }
  void start_two_tiers() {
    start_team(hop_);
    const auto issued = issue("app", "DNS:app.example");
    tls_.certificates = {"c0"};
    secrets_ = secrets_of({issued});
    start_with(
        {settings_, tls_listener(), certificate_object("c0", issued), bundle_, passed_on(), to_team()});
  }

  IssuedCertificate of_client(const std::string& alternative_names, const std::string& common_name = "c") {
    CertificateSpec spec;
    spec.common_name = common_name;
    spec.alternative_names = alternative_names;
    return clients_.issue(spec);
  }
  TlsPeerOptions options(const IssuedCertificate& own) {
    return {.server_name = "app.example", .authority = authority_.certificate(), .own = own};
  }
  static std::string get(const std::string& fields = "") {
    return "GET / HTTP/1.1\r\nHost: app.example\r\n" + fields + "\r\n";
  }

  // What of certificates is in the request as a backend gets it.
  template <typename Client>
  std::string told_of(Client& client, const std::string& request) {
    client.send(request);
    auto backend = backend_.accept();
    auto received = backend.read_head();
    if (received.find("chunked") != std::string::npos) received += backend.read_until("0\r\n\r\n");
    backend.send(kOk);
    EXPECT_TRUE(client.read_until("ok").ends_with("ok")) << request;
    std::string told;
    for (std::size_t at = 0; at < received.size();) {
      const auto end = received.find("\r\n", at);
      const auto line = received.substr(at, end - at);
      if (line.starts_with("client-cert")) told += line + "\n";
      at = end == std::string::npos ? end : end + 2;
    }
    return told;
  }
  std::string told_of(const IssuedCertificate& own, const std::string& request) {
    auto client = peer(options(own));
    EXPECT_TRUE(client.handshake()) << client.why_not();
    return told_of(client, request);
  }
  static std::string forwarded(const IssuedCertificate& own) {
    return "client-cert: :" + base64_of(own) + ":\n";
  }

  std::string first_line(const std::filesystem::path& path) {
    await([&] { return !lines_of(path).empty(); });
    return lines_of(path).front();
  }
  static std::string logged(const std::string& name, const IssuedCertificate& own) {
    return R"({"tls_client":")" + name + R"(","tls_client_sha256":")" +
           tls::parse_chain(own.certificate)->fingerprint + R"(","status":200})";
  }

  TestAuthority clients_{"Client CA"};
  contract::TrustBundle bundle_;
};

TEST_F(ClientCertificateTest, BackendAndLogAreToldOfIt) {
  start_one_tier();
  const auto own = of_client("DNS:c.example,URI:spiffe://mesh/c");
  auto client = peer(options(own));
  ASSERT_TRUE(client.handshake()) << client.why_not();
  for (int request = 0; request < 3; ++request) EXPECT_EQ(told_of(client, get()), forwarded(own));
  EXPECT_EQ(first_line(log_path_), logged("spiffe://mesh/c", own));
}

TEST_F(ClientCertificateTest, WhatAClientSaysOfItselfIsInNoRequest) {
  start_one_tier();
  const auto own = of_client("DNS:c.example");
  const auto forged = get(kForged), twice = get(std::string(kForged) + kForged),
             nominated = get("Connection: client-cert, client-cert-chain\r\n");
  const auto behind =
      "POST / HTTP/1.1\r\nHost: app.example\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n" +
      std::string(kForged) + "\r\n";
  for (const auto& request : {forged, twice, nominated, behind}) {
    EXPECT_EQ(told_of(own, request), forwarded(own));
    EXPECT_EQ(told_of(IssuedCertificate{}, request), "") << "under mode optional";
  }
  tls_.forward_certificate = false;
  change({tls_listener()});
  for (const auto& request : {forged, twice, nominated, behind}) {
    EXPECT_EQ(told_of(own, request), "");
    EXPECT_EQ(told_of(IssuedCertificate{}, request), "");
  }
}

TEST_F(ClientCertificateTest, NorIsItWithoutTls) {
  start();
  auto client = connect();
  EXPECT_EQ(told_of(client, get(kForged)), "");
  EXPECT_EQ(
      told_of(client, "POST / HTTP/1.1\r\nHost: app.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" +
                          std::string(kForged) + "\r\n"),
      "");
}

TEST_F(ClientCertificateTest, ATrustedProxyMaySayItInTheHead) {
  trusted_ = {*Prefix::parse("127.0.0.0/8")};
  start();
  auto client = connect();
  EXPECT_EQ(told_of(client, get(kForged)), "client-cert: :forged:\nclient-cert-chain: :forged:\n");
  EXPECT_EQ(told_of(client, get(std::string(kForged) + kForged)), "");
  EXPECT_EQ(told_of(client, get("Client-Cert-Chain: :forged:\r\n")), "");
  EXPECT_EQ(
      told_of(client, "POST / HTTP/1.1\r\nHost: app.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" +
                          std::string(kForged) + "\r\n"),
      "");
}

TEST_F(ClientCertificateTest, NotATrustedProxyThatShowsItsOwnOrWhereOursIsForwarded) {
  trusted_ = {*Prefix::parse("127.0.0.0/8")};
  start_one_tier();
  const auto own = of_client("DNS:proxy.example");
  EXPECT_EQ(told_of(own, get(kForged)), forwarded(own));
  EXPECT_EQ(told_of(IssuedCertificate{}, get(kForged)), "");
  tls_.forward_certificate = false;
  change({tls_listener()});
  EXPECT_EQ(told_of(own, get(kForged)), "");
  EXPECT_EQ(told_of(IssuedCertificate{}, get(kForged)),
            "client-cert: :forged:\nclient-cert-chain: :forged:\n");
}

TEST_F(ClientCertificateTest, NoFilterEditsIt) {
  auto& filters = rule_filters_.emplace();
  filters.request_headers = contract::HeaderEdit{
      {{"client-cert", "set"}}, {{"client-cert", "added"}, {"client-cert-chain", "added"}}, {"client-cert"}};
  start_one_tier();
  const auto own = of_client("DNS:c.example");
  EXPECT_EQ(told_of(own, get()), forwarded(own));
}

TEST_F(ClientCertificateTest, AMirrorGetsWhatTheBackendGets) {
  ListeningPeer shadow;
  auto mirrored_to = pool({shadow.port()});
  mirrored_to.uid = "p2";
  rule_filters_.emplace().mirror = {{.pool = "p2", .percent = 100}};
  objects_.push_back(mirrored_to);
  start_one_tier();
  const auto own = of_client("DNS:c.example");
  EXPECT_EQ(told_of(own, get(kForged)), forwarded(own));
  auto copy = shadow.accept();
  const auto head = copy.read_head();
  EXPECT_THAT(head, HasSubstr("client-cert: :" + base64_of(own) + ":\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("forged")));
  copy.send(kOk);
  EXPECT_TRUE(counts(1, "mirrors_answered_total"));
}

TEST_F(ClientCertificateTest, AResumedSessionHasIt) {
  start_one_tier();
  const auto own = of_client("email:c@example.com");
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto begun_with = options(own);
    begun_with.max_version = version;
    SslSessionPtr begun;
    {
      auto client = peer(begun_with);
      ASSERT_TRUE(client.handshake()) << client.why_not();
      EXPECT_EQ(told_of(client, get()), forwarded(own));
      begun = client.session();
    }
    auto resumed_with = options({});
    resumed_with.max_version = version;
    resumed_with.session = begun;
    auto client = peer(resumed_with);
    ASSERT_TRUE(client.handshake()) << client.why_not();
    ASSERT_TRUE(client.resumed());
    EXPECT_EQ(told_of(client, get()), forwarded(own)) << version;
  }
  await([&] { return lines_of(log_path_).size() == 4; });
  EXPECT_THAT(lines_of(log_path_), testing::Each(logged("c@example.com", own)));
}

TEST_F(ClientCertificateTest, WhoHasNoneResumesWithoutOne) {
  start_one_tier();
  SslSessionPtr begun;
  {
    auto client = peer(options({}));
    ASSERT_TRUE(client.handshake()) << client.why_not();
    EXPECT_EQ(told_of(client, get()), "");
    begun = client.session();
  }
  auto resumed_with = options(of_client("DNS:c.example"));
  resumed_with.session = begun;
  auto client = peer(resumed_with);
  ASSERT_TRUE(client.handshake()) << client.why_not();
  ASSERT_TRUE(client.resumed());
  EXPECT_EQ(told_of(client, get()), "");
  await([&] { return lines_of(log_path_).size() == 2; });
  EXPECT_THAT(lines_of(log_path_), testing::Each(R"({"status":200})"));
}

std::string hpack(const std::string& name, const std::string& value) {  // RFC 7541 section 6.2.2
  std::string field(1, '\0');
  for (const auto& text : {name, value}) field += static_cast<char>(text.size()) + text;
  return field;
}

TEST_F(ClientCertificateTest, OverHttp2) {
  start_one_tier();
  const auto own = of_client("URI:spiffe://mesh/c");
  auto with = options(own);
  with.alpn = "\x02h2";
  auto client = peer(with);
  ASSERT_TRUE(client.handshake()) << client.why_not();
  ASSERT_EQ(client.alpn(), "h2");
  const std::string target = hpack(":method", "GET") + hpack(":scheme", "https") +
                             hpack(":authority", "app.example") + hpack(":path", "/");
  const std::string forged = hpack("client-cert", ":forged:") + hpack("client-cert-chain", ":forged:");
  constexpr uint8_t kHeaders = NGHTTP2_HEADERS;
  constexpr uint8_t kWhole = NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM;
  EXPECT_EQ(told_of(client, testing_support::http2_preface() +
                                testing_support::http2_frame(kHeaders, kWhole, 1, target + forged)),
            forwarded(own));
  // And behind a body.
  EXPECT_EQ(told_of(client, testing_support::http2_frame(kHeaders, NGHTTP2_FLAG_END_HEADERS, 3, target) +
                                testing_support::http2_frame(NGHTTP2_DATA, 0, 3, "hi") +
                                testing_support::http2_frame(kHeaders, kWhole, 3, forged)),
            forwarded(own));
  EXPECT_EQ(first_line(log_path_), logged("spiffe://mesh/c", own));
}

TEST_F(ClientCertificateTest, ARefusedRequestIsLoggedWithItToo) {
  start_one_tier();
  const auto own = of_client("DNS:c.example");
  auto client = peer(options(own));
  ASSERT_TRUE(client.handshake()) << client.why_not();
  client.send("GET / HTTP/1.1\r\nHost : a\r\n\r\n");
  EXPECT_THAT(client.read_head(), HasSubstr("HTTP/1.1 400"));
  EXPECT_EQ(member(first_line(log_path_), "tls_client"), "c.example");
}

TEST_F(ClientCertificateTest, BothTiersSayTheSame) {
  start_two_tiers();
  const auto own = of_client("URI:spiffe://mesh/a \"b\" %20\x01\xff");
  const auto request = get(kForged);
  EXPECT_EQ(told_of(own, request), forwarded(own));
  const auto line = logged(R"(spiffe://mesh/a \"b\" %20\u0001\u00ff)", own);
  EXPECT_EQ(first_line(log_path_), line);
  EXPECT_EQ(first_line(directory_ / "team.log"), line);
  EXPECT_EQ(told_of(IssuedCertificate{}, request), "");
  await([&] { return lines_of(log_path_).size() == 2 && lines_of(directory_ / "team.log").size() == 2; });
  EXPECT_EQ(lines_of(log_path_).back(), R"({"status":200})");
  EXPECT_EQ(lines_of(directory_ / "team.log").back(), R"({"status":200})");
}

TEST_F(ClientCertificateTest, WithoutForwardingTheSecondTiersLogKnowsItAllTheSame) {
  tls_.forward_certificate = false;
  start_two_tiers();
  const auto own = of_client("", "c");
  EXPECT_EQ(told_of(own, get(kForged)), "");
  EXPECT_EQ(first_line(directory_ / "team.log"), logged("CN=c", own));
}

TEST_F(ClientCertificateTest, ATrustedProxysWordCrossesTheHop) {
  trusted_ = {*Prefix::parse("127.0.0.0/8")};
  start_tiers();
  auto client = connect();
  EXPECT_EQ(told_of(client, get(kForged)), "client-cert: :forged:\nclient-cert-chain: :forged:\n");
}

// A client at the limits, with a certificate that is nearly the largest, is let in by both tiers.
TEST_F(ClientCertificateTest, TheLargestCrossesWithAHeadAtItsLimits) {
  settings_.header_bytes_max = 1000;
  settings_.header_count_max = 2;
  start_two_tiers();
  std::string names = "URI:" + std::string(limits::kPeerNameBytesMax + 1, '\x01');
  while (names.size() < limits::kClientCertificatesBytesMax - 512) names += ",DNS:" + std::string(59, 'd');
  const auto own = of_client(names);
  auto client = peer(options(own));
  ASSERT_TRUE(client.handshake()) << client.why_not();
  std::string request = get("X: \r\n");
  request.insert(request.size() - 4, std::string(900, 'x'));
  EXPECT_TRUE(told_of(client, request) == forwarded(own));
  request.insert(request.size() - 4, std::string(100, 'x'));
  client.send(request);
  EXPECT_THAT(client.read_head(), HasSubstr("HTTP/1.1 431"));
}

TEST_F(ClientCertificateTest, ALargerOneIsRefusedInTheHandshake) {
  start_one_tier();
  std::string names = "URI:spiffe://mesh/c";
  while (names.size() < limits::kClientCertificatesBytesMax + 1024) names += ",DNS:" + std::string(59, 'd');
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto with = options(of_client(names));
    with.max_version = version;
    auto client = peer(with);
    EXPECT_FALSE(client.handshake() && !exchange_or_nothing(client).empty()) << version;
  }
  EXPECT_TRUE(counts(2, "tls_handshake_failures_total", "bad_peer_certificate"));
}

}  // namespace
}  // namespace headgate::shard
