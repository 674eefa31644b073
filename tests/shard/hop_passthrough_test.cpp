// SPDX-License-Identifier: Apache-2.0
// TLS that passes through two tiers: what stands on the hop, what is believed there, and that client and
// backend see what they would see of one tier.
#include <gmock/gmock.h>

#include "tests/shard/hop_fixture.hpp"
#include "tests/support/client_hellos.hpp"
#include "tests/support/proxy_headers.hpp"

namespace headgate::shard {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing_support::client_hello;
using testing_support::tlv;

class HopPassthroughTest : public HopFixture {
 protected:
  static constexpr uint8_t kTcp4 = 0x11;
  static constexpr uint8_t kListenerTlv = 0xe8;
  static std::string alert(char description) {
    return std::string("\x15\x03\x03\x00\x02\x02", 6) + description;
  }
  static constexpr char kNoHello = 50, kDenied = 49, kInternal = 80, kUnrecognized = 112;

  contract::Listener passing(const std::string& hop_from = "") const {
    auto listener = web_listener();
    listener.name = "pass";
    listener.protocol = contract::Protocol::kTls;
    listener.hop_from = hop_from;
    return listener;
  }
  contract::Route named(contract::Route made) const {
    made.hostnames = {"app.example"};
    return made;
  }
  contract::Delta tls_first_tier() {
    objects_.insert(objects_.end(), {settings_, passing(), named(passed_on()), to_team()});
    return delta(objects_);
  }
  contract::Delta tls_second_tier(bool with_route = true) {
    auto settings = settings_;
    settings.name = "team";
    settings.hop_peers = {{"edge", 1}};
    auto backends = pool({backend_.port()});
    backends.proxy_protocol = backend_header_;
    std::vector<contract::Object> objects{settings, backends};
    auto served = named(route());
    served.policies = team_policies_;
    if (with_route) objects.insert(objects.end(), {passing("edge"), served});
    objects.insert(objects.end(), team_objects_.begin(), team_objects_.end());
    return delta(objects);
  }
  void start_passing(bool with_route = true) {
    start_team(hop_);
    apply_to_team(tls_second_tier(with_route));
    start(pool({}));
    apply(tls_first_tier());
  }
  // In the place of the second tier: what the first says.
  SocketPeer accept_on_hop() {
    return SocketPeer(UniqueFd(::accept4(hop_socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
  }
  // A header as a first tier sends it.
  static std::string header(const std::string& tlvs, uint8_t family = kTcp4) {
    return testing_support::proxy_v2(
        0x21, family, std::string("\xcb\x00\x71\x07\x7f\x00\x00\x01\x12\x67\x01\xbb", 12) + tlvs);
  }
  std::string answer_on_hop(const std::string& bytes) {
    auto peer = connect_to_hop();
    peer.send(bytes);
    return peer.read_all();
  }
  // Both ways, so that the tunnel stands.
  void expect_tunnel(SocketPeer& client, SocketPeer& backend) {
    client.send("ping");
    EXPECT_EQ(backend.read_exactly(4), "ping");
    backend.send("pong");
    EXPECT_EQ(client.read_exactly(4), "pong");
  }

  std::vector<contract::Object> team_objects_;
  std::vector<std::string> team_policies_;  // of the route there
  std::optional<contract::ProxyVersion> backend_header_;
};

TEST_F(HopPassthroughTest, BytesPassBothTiersUntouched) {
  start_passing();
  auto client = connect();
  const auto hello = client_hello("app.example");
  client.send(hello + "early");
  auto backend = backend_.accept();
  EXPECT_EQ(backend.read_exactly(hello.size() + 5), hello + "early");
  expect_tunnel(client, backend);
  client.shutdown_write();
  EXPECT_TRUE(backend.at_end());
  backend.send("still");
  EXPECT_EQ(client.read_exactly(5), "still");
  backend.close();
  EXPECT_TRUE(client.at_end());
  EXPECT_EQ(count("tls_passthroughs_total"), 1u);
  EXPECT_EQ(count_of_team("tls_passthroughs_total"), 1u);
  EXPECT_EQ(count_of_team("proxy_headers_total"), 1u);
}

TEST_F(HopPassthroughTest, TheFirstTierSaysWhoTheClientIsAndWhatItReached) {
  start(pool({}));
  apply(tls_first_tier());
  auto client = connect();
  const auto hello = client_hello("app.example");
  client.send(hello);
  auto second = accept_on_hop();
  const auto fixed = second.read_exactly(16);
  ASSERT_EQ(fixed.substr(0, 14), std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11", 14));
  const auto rest = second.read_exactly(
      static_cast<std::size_t>(static_cast<uint8_t>(fixed[14]) << 8 | static_cast<uint8_t>(fixed[15])));
  EXPECT_EQ(rest.substr(0, 8), std::string("\x7f\x00\x00\x01\x7f\x00\x00\x01", 8));
  EXPECT_EQ(rest.substr(10, 2), testing_support::be16(port_));
  EXPECT_EQ(rest.substr(12, rest.size() - 12 - 7), tlv(0x02, "app.example") + tlv(kListenerTlv, "l1"));
  EXPECT_EQ(second.read_exactly(hello.size()), hello) << "with nothing between";
}

// The backend of a pool with proxy_protocol gets the same header from two tiers as from one.
TEST_F(HopPassthroughTest, TheBackendIsToldWhatOneTierWouldHaveSaid) {
  trusted_ = {*Prefix::parse("127.0.0.0/8")};
  proxy_protocol_ = true;
  backend_header_ = contract::ProxyVersion::kV2;
  const auto sent =
      testing_support::proxy_v2(0x21, 0x11,
                                std::string("\xcb\x00\x71\x07\xc6\x33\x64\x01\x12\x67\x01\xbb", 12) +
                                    tlv(0x01, "h2") + tlv(kListenerTlv, "forged"));
  const auto told = [&] {
    auto client = connect();
    client.send(sent + client_hello("app.example"));
    auto backend = backend_.accept();
    auto bytes = backend.read_exactly(16);
    bytes += backend.read_exactly(static_cast<uint8_t>(bytes[15]));
    EXPECT_EQ(backend.read_exactly(client_hello("app.example").size()), client_hello("app.example"));
    return bytes;
  };
  auto backends = pool({backend_.port()});
  backends.proxy_protocol = backend_header_;
  start_with({settings_, passing(), named(route()), backends});
  const auto by_one_tier = told();
  start_team(hop_);
  apply_to_team(tls_second_tier());
  apply(tls_first_tier());
  EXPECT_EQ(told(), by_one_tier);
  EXPECT_THAT(by_one_tier, HasSubstr(std::string("\xcb\x00\x71\x07", 4))) << "the client";
  EXPECT_THAT(by_one_tier, HasSubstr(tlv(0x01, "h2") + tlv(0x02, "app.example")));
  EXPECT_THAT(by_one_tier, Not(HasSubstr("forged")));
}

TEST_F(HopPassthroughTest, AClientOfAnotherFamilyIsKnownAllTheSame) {
  trusted_ = {*Prefix::parse("127.0.0.0/8")};
  proxy_protocol_ = true;
  start_passing();
  auto client = connect();
  client.send("PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n" + client_hello("app.example"));
  auto backend = backend_.accept();
  backend.read_exactly(client_hello("app.example").size());
  client.close();
  backend.close();
  await([this] { return !lines_of(directory_ / "team.log").empty(); });
  EXPECT_EQ(member(lines_of(directory_ / "team.log").front(), "client"), "2001:db8::7");
}

TEST_F(HopPassthroughTest, OnTheHopSocketTheHeaderDecides) {
  start_passing();
  const auto hello = client_hello("app.example");
  EXPECT_EQ(answer_on_hop(header("") + hello), "") << "for which listener?";
  EXPECT_EQ(answer_on_hop(testing_support::proxy_v2(0x20, 0, "") + hello), "") << "for nobody";
  EXPECT_EQ(answer_on_hop("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), "") << "no request begins so";
  EXPECT_EQ(answer_on_hop(header(tlv(kListenerTlv, "l1") + tlv(0x03, "sum!")) + hello), "");
  EXPECT_TRUE(count_of_team("proxy_headers_refused_total") == 4u);
  EXPECT_FALSE(backend_.has_waiting());
  // And "PROXY …" is a request, of a method that has no context.
  EXPECT_THAT(answer_on_hop("PROXY TCP4 203.0.113.7 127.0.0.1 4711 443\r\n\r\n"), HasSubstr("HTTP/1.1 400 "));

  auto peer = connect_to_hop();
  peer.send(header(tlv(kListenerTlv, "l1")) + hello);
  auto backend = backend_.accept();
  EXPECT_EQ(backend.read_exactly(hello.size()), hello);
  peer.close();
  backend.close();
  // Each thread has a buffer of lines of its own, so that theirs come in any order.
  std::string line;
  await([&] {
    for (const auto& each : lines_of(directory_ / "team.log"))
      if (each.find("app.example") != std::string::npos) line = each;
    return !line.empty();
  });
  EXPECT_EQ(member(line, "client"), "203.0.113.7");
}

TEST_F(HopPassthroughTest, AHeaderMayComeInPieces) {
  start_passing();
  auto peer = connect_to_hop();
  for (const char byte : header(tlv(kListenerTlv, "l1")) + client_hello("app.example")) peer.send({&byte, 1});
  auto backend = backend_.accept();
  EXPECT_EQ(backend.read_exactly(client_hello("app.example").size()), client_hello("app.example"));
}

// A request for a listener whose TLS passes, or a tunnel for one of HTTP: no first tier says so for long.
TEST_F(HopPassthroughTest, AListenerIsReachedByWhatItSpeaks) {
  start_passing();
  auto request = connect_to_hop();
  request.send("GET / HTTP/1.1\r\nHost: app.example\r\n" + context() + "\r\n");
  EXPECT_EQ(request.read_until("\r\n"), "HTTP/1.1 421 Misdirected Request\r\n");
  apply_to_team(second_tier());
  EXPECT_EQ(answer_on_hop(header(tlv(kListenerTlv, "l1")) + client_hello("app.example")), alert(kInternal));
  EXPECT_FALSE(backend_.has_waiting());
}

TEST_F(HopPassthroughTest, NobodyElseMaySpeakForTheShard) {
  auto others = hop_;
  others.shard_uid_base = ::geteuid() + 1;
  start_team(others);
  apply_to_team(tls_second_tier());
  EXPECT_EQ(answer_on_hop(header(tlv(kListenerTlv, "l1")) + client_hello("app.example")), "");
  EXPECT_EQ(count_of_team("hop_peers_refused_total"), 1u);
  EXPECT_FALSE(backend_.has_waiting());
}

TEST_F(HopPassthroughTest, APeerThatIsLetInSpeaksForItsOwnShardAlone) {
  start_team(hop_);
  team_objects_ = {passing("other"), named(route())};
  apply_to_team(tls_second_tier(false));
  auto peer = connect_to_hop();
  peer.send(header(tlv(kListenerTlv, "l1")) + client_hello("app.example"));
  await([this] { return count_of_team("hop_waits_total") == 1; });
  EXPECT_FALSE(backend_.has_waiting());
}

TEST_F(HopPassthroughTest, AHeaderOfAClientsIsNoneOfTheHops) {
  start_passing();
  auto client = connect();
  client.send(header(tlv(kListenerTlv, "l1")) + client_hello("app.example"));
  EXPECT_EQ(client.read_all(), alert(kNoHello)) << "it is no TLS";
  EXPECT_FALSE(backend_.has_waiting());
}

TEST_F(HopPassthroughTest, ATunnelAheadOfItsRouteWaitsForIt) {
  start_passing(false);
  auto client = connect();
  client.send(client_hello("app.example"));
  await([this] { return count_of_team("hop_waits_total") == 1; });
  EXPECT_FALSE(backend_.has_waiting());
  apply_to_team(tls_second_tier());
  auto backend = backend_.accept();
  EXPECT_EQ(backend.read_exactly(client_hello("app.example").size()), client_hello("app.example"));
  expect_tunnel(client, backend);
}

TEST_F(HopPassthroughTest, WhoIsNotServedIsToldSoByEitherTier) {
  start_passing();
  const auto answer_to = [&](const std::string& name) {
    auto client = connect();
    client.send(client_hello(name));
    return client.read_all();
  };
  EXPECT_EQ(answer_to("other.example"), alert(kUnrecognized));
  EXPECT_EQ(count_of_team("requests_total"), 0u) << "it is the first tier's to say";
  std::filesystem::remove(hop_.path_to("team"));
  EXPECT_EQ(answer_to("app.example"), alert(kInternal));
}

TEST_F(HopPassthroughTest, EachTiersPoliciesHoldInItsOwn) {
  contract::Policy deny;
  deny.uid = deny.name = "deny";
  deny.filters.emplace().ip_access.emplace().deny = {*Prefix::parse("127.0.0.0/8")};
  team_objects_ = {deny};
  team_policies_ = {"deny"};
  start_passing();
  auto client = connect();
  client.send(client_hello("app.example"));
  EXPECT_EQ(client.read_all(), alert(kDenied));
  EXPECT_FALSE(backend_.has_waiting());
  await([this] { return count_of_team("exchanges_total", "filtered") == 1; });
  EXPECT_TRUE(counts(0, "exchanges_total", "filtered")) << "the first tier has none";
}

TEST_F(HopPassthroughTest, ADeadSecondTierRefusesNobody) {
  start(pool({}));
  apply(tls_first_tier());
  auto client = connect();
  client.send(client_hello("app.example"));
  await([this] { return count("upstream_connects_total") == 1; });
  start_team(hop_);
  apply_to_team(tls_second_tier());
  auto backend = backend_.accept();
  EXPECT_EQ(backend.read_exactly(client_hello("app.example").size()), client_hello("app.example"));
  expect_tunnel(client, backend);
}

TEST_F(HopPassthroughTest, BothLogsSayWhatWasDecided) {
  start_passing();
  {
    auto client = connect();
    client.send(client_hello("app.example"));
    auto backend = backend_.accept();
    backend.read_exactly(client_hello("app.example").size());
    backend.send("12345");
    EXPECT_EQ(client.read_exactly(5), "12345");
  }
  await([this] { return !lines_of(log_path_).empty() && !lines_of(directory_ / "team.log").empty(); });
  const auto first = lines_of(log_path_).front(), second = lines_of(directory_ / "team.log").front();
  for (const auto& line : {first, second}) {
    EXPECT_THAT(line, HasSubstr(R"("client":"127.0.0.1","listener":"pass","protocol":"tls",)"));
    EXPECT_THAT(line, HasSubstr(R"("server_name":"app.example")"));
    EXPECT_THAT(line, HasSubstr(R"("sent_bytes":5,)"));
    EXPECT_EQ(member(line, "ending"), "tunnelled") << line;
  }
  EXPECT_EQ(member(first, "backend"), "shard/team");
  EXPECT_EQ(member(second, "backend"), "127.0.0.1:" + std::to_string(backend_.port()));
}

}  // namespace
}  // namespace headgate::shard
