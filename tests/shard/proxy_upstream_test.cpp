// SPDX-License-Identifier: Apache-2.0
// Pools with proxy_protocol: what a backend is told of the client ahead of everything else, and which
// exchanges may share a connection then.
#include <gmock/gmock.h>

#include "dataplane/shard/proxy_header.hpp"
#include "tests/shard/tls_fixture.hpp"
#include "tests/support/http2_peer.hpp"

namespace headgate::shard {
namespace {

using contract::ProxyVersion;
using testing::HasSubstr;
using testing::StartsWith;

class ProxyUpstreamTest : public TlsFixture {
 protected:
  static constexpr const char* kRequest = "GET / HTTP/1.1\r\nHost: app.example\r\n\r\n";

  contract::Pool proxied(ProxyVersion version) {
    auto made = pool({backend_.port()});
    made.proxy_protocol = version;
    return made;
  }
  // All of a header of version 2, and not a byte of what follows: that is for TLS.
  static std::string read_binary(SocketPeer& backend) {
    std::string bytes(16, '\0');
    if (::recv(backend.fd(), bytes.data(), 16, MSG_WAITALL) != 16) return {};
    const auto length =
        static_cast<std::size_t>(static_cast<uint8_t>(bytes[14]) << 8 | static_cast<uint8_t>(bytes[15]));
    bytes.resize(16 + length);
    if (length > 0) ::recv(backend.fd(), bytes.data() + 16, length, MSG_WAITALL);
    return bytes;
  }
  void answer(SocketPeer& backend, SocketPeer& client) {
    backend.read_head();
    backend.send(kOk);
    EXPECT_THAT(client.read_until("ok"), HasSubstr("200 OK"));
  }
  Endpoint end_of(const SocketPeer& peer) const {
    sockaddr_in at{};
    socklen_t length_bytes = sizeof at;
    ::getsockname(peer.fd(), reinterpret_cast<sockaddr*>(&at), &length_bytes);
    return {IpAddress::v4(ntohl(at.sin_addr.s_addr)), ntohs(at.sin_port)};
  }
};

TEST_F(ProxyUpstreamTest, ALineNamesTheClientAndTheListener) {
  start(proxied(ProxyVersion::kV1));
  auto client = connect();
  client.send(kRequest);
  auto backend = backend_.accept();
  EXPECT_EQ(backend.read_until("\r\n"), "PROXY TCP4 127.0.0.1 127.0.0.1 " +
                                            std::to_string(end_of(client).port) + " " +
                                            std::to_string(port_) + "\r\n");
  answer(backend, client);
}

TEST_F(ProxyUpstreamTest, ABinaryHeaderDoesAsWell) {
  start(proxied(ProxyVersion::kV2));
  auto client = connect();
  client.send(kRequest);
  auto backend = backend_.accept();
  const auto bytes = read_binary(backend);
  const auto parsed = parse_proxy_header(bytes);
  ASSERT_EQ(parsed.status, ParsedProxyHeader::Status::kWhole);
  EXPECT_EQ(parsed.header.source, end_of(client));
  EXPECT_EQ(parsed.header.destination, (Endpoint{*IpAddress::parse("127.0.0.1"), port_}));
  EXPECT_FALSE(parsed.header.tls);
  answer(backend, client);
}

TEST_F(ProxyUpstreamTest, TheClientIsWhomTheListenerBelieves) {
  trusted_ = {*Prefix::parse("127.0.0.0/8")};
  start(proxied(ProxyVersion::kV1));
  auto client = connect();
  const auto ask = [&](const char* forwarded_for) {
    client.send(std::string("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ") + forwarded_for + "\r\n\r\n");
    auto backend = backend_.accept();
    auto line = backend.read_until("\r\n");
    answer(backend, client);
    return line;
  };
  const auto behind = " 127.0.0.1 0 " + std::to_string(port_) + "\r\n";
  EXPECT_EQ(ask("192.0.2.2"), "PROXY TCP4 192.0.2.2" + behind);
  EXPECT_EQ(ask("192.0.2.3"), "PROXY TCP4 192.0.2.3" + behind) << "on a connection of its own";
  EXPECT_EQ(ask("2001:db8::2"), "PROXY UNKNOWN\r\n") << "of another family than the listener";
}

TEST_F(ProxyUpstreamTest, AConnectionIsUsedAgainByItsClientAlone) {
  start(proxied(ProxyVersion::kV1));
  auto client = connect();
  client.send(kRequest);
  auto backend = backend_.accept();
  backend.read_until("\r\n");
  answer(backend, client);
  client.send(kRequest);
  answer(backend, client);
  auto other = connect();
  other.send(kRequest);
  auto of_other = backend_.accept();
  ASSERT_TRUE(of_other);
  EXPECT_THAT(of_other.read_until("\r\n"), HasSubstr(" " + std::to_string(end_of(other).port) + " "));
  answer(of_other, other);
  client.send(kRequest);
  answer(backend, client);
  EXPECT_EQ(count("upstream_reuses_total"), 2u);
}

TEST_F(ProxyUpstreamTest, WhereThePoolMayOpenNoMoreOneThatIdlesGivesWay) {
  auto made = proxied(ProxyVersion::kV1);
  made.circuit_breaker.connections_max = 1;
  start(made);
  for (int round = 0; round < 3; ++round) {
    auto client = connect();
    client.send(kRequest);
    auto backend = backend_.accept();
    ASSERT_TRUE(backend);
    EXPECT_THAT(backend.read_until("\r\n"), HasSubstr(" " + std::to_string(end_of(client).port) + " "));
    answer(backend, client);
  }
}

TEST_F(ProxyUpstreamTest, OfHttp2EachClientHasASessionToo) {
  auto made = proxied(ProxyVersion::kV2);
  made.protocol = contract::PoolProtocol::kH2c;
  start(made);
  for (int round = 0; round < 2; ++round) {
    auto client = connect();
    client.send(kRequest);
    auto socket = backend_.accept();
    ASSERT_TRUE(socket);
    const auto bytes = read_binary(socket);
    EXPECT_EQ(parse_proxy_header(bytes).header.source, end_of(client));
    EXPECT_EQ(socket.read_exactly(24), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") << "nothing stands between";
    socket.close();
    EXPECT_THAT(client.read_until("\r\n\r\n"), HasSubstr(" 502 "));
  }
}

TEST_F(ProxyUpstreamTest, AheadOfTlsItSaysHowTheClientSpokeIt) {
  auto made = proxied(ProxyVersion::kV2);
  made.tls.emplace().mode = contract::PoolTlsMode::kInsecure;
  tls_.client_auth = contract::ClientAuth::kRequire;
  tls_.client_ca = "b1";
  const auto own = issue("app", "DNS:app.example");
  tls_.certificates = {"c0"};
  secrets_ = secrets_of({own});
  contract::TrustBundle bundle;
  bundle.uid = "b1";
  bundle.certificates = authority_.certificate();
  start_with({settings_, tls_listener(), route(), made, certificate_object("c0", own), bundle});
  TlsPeer client(connect(), {.server_name = "app.example",
                             .authority = authority_.certificate(),
                             .own = issue("alice", "DNS:alice"),
                             .alpn = "\x08http/1.1"});
  ASSERT_TRUE(client.handshake()) << client.why_not();
  client.send(kRequest);
  auto socket = backend_.accept();
  const auto bytes = read_binary(socket);
  const auto parsed = parse_proxy_header(bytes);
  ASSERT_EQ(parsed.status, ParsedProxyHeader::Status::kWhole);
  EXPECT_EQ(parsed.header.alpn, "http/1.1");
  EXPECT_EQ(parsed.header.authority, "app.example");
  ASSERT_TRUE(parsed.header.tls);
  EXPECT_EQ(parsed.header.tls->version, "TLSv1.3");
  EXPECT_THAT(std::string(parsed.header.tls->cipher), StartsWith("TLS_"));
  EXPECT_EQ(parsed.header.tls->common_name, "alice");
  EXPECT_TRUE(parsed.header.tls->verified && parsed.header.tls->certificate_here);
  TlsPeer backend(std::move(socket), testing_support::TlsBackendOptions{.own = own});
  ASSERT_TRUE(backend.handshake()) << backend.why_not();
  EXPECT_THAT(backend.read_until("\r\n\r\n"), StartsWith("GET / HTTP/1.1\r\n"));
  backend.send(kOk);
  EXPECT_THAT(client.read_until("ok"), HasSubstr("200 OK"));
}

TEST_F(ProxyUpstreamTest, APoolThatBeginsToSpeakItLeavesItsOldConnections) {
  start();
  auto client = connect();
  client.send(kRequest);
  auto plain = backend_.accept();
  answer(plain, client);
  auto change_of_pool = delta({proxied(ProxyVersion::kV1)});
  change_of_pool.base = change_of_pool.revision - 1;
  apply(change_of_pool);
  client.send(kRequest);
  auto backend = backend_.accept();
  EXPECT_THAT(backend.read_until("\r\n"), StartsWith("PROXY TCP4 "));
  answer(backend, client);
  EXPECT_TRUE(plain.at_end());
}

}  // namespace
}  // namespace headgate::shard
