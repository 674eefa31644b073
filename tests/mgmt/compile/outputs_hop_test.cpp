// SPDX-License-Identifier: Apache-2.0
// What the derived hop puts into the snapshots of both tiers.
#include "mgmt/compile/outputs.hpp"
#include "tests/mgmt/compile/certificate_bodies.hpp"
#include "tests/mgmt/compile/outputs_fixture.hpp"

namespace headgate::compile {
namespace {

// The listener web ends on edge; namespace a has 20 routes there, and moves.
class OutputsHop : public OutputsFixture {
 protected:
  Lines move_to(const std::string& shard) {
    add(global(Kind::kNamespace, "a"), shard.empty() ? "{}" : R"({"shard":")" + shard + "\"}");
    update();
    // The 20 routes' lines as one.
    Lines lines;
    for (auto line : delta_keys("n1")) {
      const auto route = line.find("uid-route");
      if (route != std::string::npos) line = line.substr(0, route) + "uid-route *";
      if (lines.empty() || lines.back() != line) lines.push_back(line);
    }
    return lines;
  }
  template <typename T>
  const T* find(const std::string& shard, contract::Kind kind, const std::string& id) {
    const auto& objects = outputs_.snapshot("n1")->objects;
    const auto found = objects.find({"shard/" + shard, kind, id});
    return found == objects.end() ? nullptr : &std::get<T>(*found->second);
  }
  std::vector<contract::HopPeer> node_peers(const std::string& shard) {
    const contract::ObjectKey key{"node", contract::Kind::kReplicaGroup, "uid-shard " + shard};
    return std::get<contract::ReplicaGroup>(*outputs_.snapshot("n1")->objects.at(key)).hop_peers;
  }
};

TEST_F(OutputsHop, TheFirstTierFindsTheRouteAndTheSecondServesIt) {
  add(route_key("a", "r3"), R"({"listeners":["web"],"hostnames":["x.com"],"rules":[{"name":"n",
      "matches":[{"path":{"type":"exact","value":"/x"},"method":"GET"}],"forward":[{"pool":"p","weight":3}],
      "timeouts":{"request":"7s","backend_request":"2s","idle":"5m"},"retry":{"attempts":2},
      "filters":{"response_headers":{"remove":["x"]}}}]})");
  move_to("other");
  const auto* first = find<contract::Route>("edge", contract::Kind::kRoute, "uid-route a/r3");
  const auto* second = find<contract::Route>("other", contract::Kind::kRoute, "uid-route a/r3");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->hostnames, second->hostnames);
  EXPECT_EQ(first->created_at_ms, second->created_at_ms);
  EXPECT_EQ(first->listeners, std::vector<std::string>{"uid-listener web"});
  EXPECT_EQ(second->listeners, first->listeners);
  EXPECT_EQ(first->rules[0].matches, second->rules[0].matches);
  EXPECT_EQ(first->rules[0].forward, (std::vector<contract::Forward>{{"hop/uid-shard other", 1}}));
  EXPECT_EQ(second->rules[0].forward, (std::vector<contract::Forward>{{"uid-pool a/p", 3}}));
  EXPECT_EQ(first->rules[0].request_timeout, contract::Millis(7000));
  EXPECT_EQ(first->rules[0].idle_timeout, contract::Millis(300'000))
      << "else the first tier would cut it short";
  EXPECT_EQ(first->rules[0].backend_request_timeout, std::nullopt);
  EXPECT_EQ(second->rules[0].backend_request_timeout, contract::Millis(2000));
  EXPECT_FALSE(first->rules[0].retry) << "the second tier tries again, and filters once";
  EXPECT_TRUE(second->rules[0].retry);
  EXPECT_FALSE(first->rules[0].filters);
  EXPECT_TRUE(second->rules[0].filters);
  const auto* hop = find<contract::Pool>("edge", contract::Kind::kPool, "hop/uid-shard other");
  ASSERT_TRUE(hop);
  EXPECT_EQ(hop->hop_to, "other");
  EXPECT_TRUE(hop->backends.empty());
  EXPECT_FALSE(find<contract::Pool>("edge", contract::Kind::kPool, "uid-pool a/p"));
  EXPECT_TRUE(find<contract::Pool>("other", contract::Kind::kPool, "uid-pool a/p"));
  EXPECT_EQ(find<contract::Listener>("edge", contract::Kind::kListener, "uid-listener web")->hop_from, "");
  const auto* copy = find<contract::Listener>("other", contract::Kind::kListener, "uid-listener web");
  ASSERT_TRUE(copy);
  EXPECT_EQ(copy->hop_from, "edge");
  EXPECT_EQ(copy->port, 80);
}

// Else the first tier would answer 504 while the second still waits, as its shard or its rule says.
TEST_F(OutputsHop, TheFirstTierIsAsPatientAsTheSecond) {
  add(global(Kind::kShard, "other"), R"({"nodes":{"names":["n1"]},"timeouts":{"response":"5m"}})");
  add(route_key("a", "r3"), R"({"listeners":["web"],"rules":[
      {"name":"shards","forward":[{"pool":"p"}],"retry":{"attempts":2}},
      {"name":"own","matches":[{"method":"GET"}],"forward":[{"pool":"p"}],"retry":{"attempts":2},
       "timeouts":{"backend_request":"2m"}}]})");
  move_to("other");
  EXPECT_EQ(find<contract::Pool>("edge", contract::Kind::kPool, "hop/uid-shard other")->response_timeout,
            contract::Millis(300'000 + 16 * 2'000 + 10'000));
  const auto& rules = find<contract::Route>("edge", contract::Kind::kRoute, "uid-route a/r3")->rules;
  EXPECT_EQ(rules[0].tries_beyond_hop, 3U);
  EXPECT_EQ(rules[0].backend_request_timeout, std::nullopt);
  EXPECT_EQ(rules[1].backend_request_timeout, contract::Millis(3 * (120'000 + 10'000)));
  // A change of the shard alone reaches the first tier.
  add(global(Kind::kShard, "other"), R"({"nodes":{"names":["n1"]},"timeouts":{"response":"1m"}})");
  update();
  EXPECT_EQ(find<contract::Pool>("edge", contract::Kind::kPool, "hop/uid-shard other")->response_timeout,
            contract::Millis(60'000 + 16 * 2'000 + 10'000));
}

TEST_F(OutputsHop, TlsEndsAtTheFirstTier) {
  add(global(Kind::kCertificate, "c"), stored_certificate(issued_certificate(0)));
  add(global(Kind::kListener, "web"), listener_body("192.0.2.1", 443, "edge", https_more("\"c\"")));
  move_to("other");
  EXPECT_TRUE(find<contract::Certificate>("edge", contract::Kind::kCertificate, "uid-certificate c"));
  EXPECT_FALSE(find<contract::Certificate>("other", contract::Kind::kCertificate, "uid-certificate c"));
  const auto* copy = find<contract::Listener>("other", contract::Kind::kListener, "uid-listener web");
  ASSERT_TRUE(copy);
  EXPECT_EQ(copy->protocol, contract::Protocol::kHttps);
  EXPECT_FALSE(copy->tls);
}

// The first tier writes it; the second tells it on, whatever its copy says.
TEST_F(OutputsHop, ClientCertificatesAreForwardedByTheFirstTierWhereSomeAreAskedFor) {
  add(global(Kind::kCertificate, "c"), stored_certificate(issued_certificate(0)));
  add(global(Kind::kSecret, "ca"), client_ca_body());
  move_to("other");
  for (const std::string mode : {"none", "optional", "require"}) {
    const auto auth = R"(,"client_auth":{"mode":")" + mode + R"(","ca":"ca","forward_certificate":true})";
    add(global(Kind::kListener, "web"), listener_body("192.0.2.1", 443, "edge", https_more("\"c\"", auth)));
    update();
    const auto* own = find<contract::Listener>("edge", contract::Kind::kListener, "uid-listener web");
    ASSERT_TRUE(own && own->tls);
    EXPECT_EQ(own->tls->forward_certificate, mode != "none") << mode;
  }
}

TEST_F(OutputsHop, TlsThatPassesCrossesByTheSameObjects) {
  for (int i = 0; i < 20; ++i)
    add(route_key("a", "r" + std::to_string(i)), route_body("\"web\"", "p", R"(,"hostnames":["x.com"])"));
  add(global(Kind::kListener, "web"), listener_body("192.0.2.1", 443, "edge", R"(,"protocol":"tls")"));
  move_to("other");
  const auto* first = find<contract::Route>("edge", contract::Kind::kRoute, "uid-route a/r3");
  const auto* second = find<contract::Route>("other", contract::Kind::kRoute, "uid-route a/r3");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->rules[0].forward, (std::vector<contract::Forward>{{"hop/uid-shard other", 1}}));
  EXPECT_EQ(second->rules[0].forward, (std::vector<contract::Forward>{{"uid-pool a/p", 1}}));
  const auto* copy = find<contract::Listener>("other", contract::Kind::kListener, "uid-listener web");
  ASSERT_TRUE(copy);
  EXPECT_EQ(copy->protocol, contract::Protocol::kTls);
  EXPECT_EQ(copy->hop_from, "edge");
  EXPECT_TRUE(find<contract::Pool>("edge", contract::Kind::kPool, "hop/uid-shard other"));
  EXPECT_EQ(node_peers("other").size(), 1u);
}

TEST_F(OutputsHop, WhoIsReachedKnowsWhoMay) {
  move_to("other");
  const auto* settings =
      find<contract::ShardSettings>("other", contract::Kind::kShardSettings, "uid-shard other");
  const std::vector<contract::HopPeer> expected{{"edge", numbers_.at({db::Space::kUser, "uid-shard edge"})}};
  EXPECT_EQ(settings->hop_peers, expected);
  EXPECT_EQ(node_peers("other"), expected);
  EXPECT_TRUE(node_peers("edge").empty());
  // No socket is opened for the copy, and l4 knows nothing of it.
  const contract::ObjectKey key{"node", contract::Kind::kReplicaGroup, "uid-shard other"};
  EXPECT_EQ(std::get<contract::ReplicaGroup>(*outputs_.snapshot("n1")->objects.at(key)).sockets.size(), 1u);
}

TEST_F(OutputsHop, AMoveIsOneDeltaForEachShardAndNothingElse) {
  add(global(Kind::kShard, "third"), "{}");
  update();
  EXPECT_EQ(move_to("other"),
            (Lines{"+node uid-shard other", "+shard/edge uid-route *", "+shard/edge hop/uid-shard other",
                   "+shard/other uid-shard other", "+shard/other uid-listener web",
                   "+shard/other uid-route *", "+shard/other uid-pool a/p", "-shard/edge uid-pool a/p"}));
  EXPECT_EQ(
      move_to("third"),
      (Lines{"+node uid-shard other", "+node uid-shard third", "+shard/edge uid-route *",
             "+shard/edge hop/uid-shard third", "+shard/other uid-shard other",
             "+shard/third uid-shard third", "+shard/third uid-listener web", "+shard/third uid-route *",
             "+shard/third uid-pool a/p", "-shard/edge hop/uid-shard other", "-shard/other uid-listener web",
             "-shard/other uid-route *", "-shard/other uid-pool a/p"}));
  EXPECT_EQ(move_to(""), (Lines{"+node uid-shard third", "+shard/edge uid-route *",
                                "+shard/edge uid-pool a/p", "+shard/third uid-shard third",
                                "-shard/edge hop/uid-shard third", "-shard/third uid-listener web",
                                "-shard/third uid-route *", "-shard/third uid-pool a/p"}));
  EXPECT_EQ(move_to("edge"), Lines{}) << "the listener's own shard serves it already";
}

TEST_F(OutputsHop, AChangeOfTheRouteOrListenerReachesBothTiers) {
  move_to("other");
  add(route_key("a", "r3"), route_body("\"web\"", "p", R"(,"hostnames":["x.com"])"));
  update();
  EXPECT_EQ(delta_keys("n1"), (Lines{"+shard/edge uid-route a/r3", "+shard/other uid-route a/r3"}));
  add(global(Kind::kListener, "web"), listener_body("192.0.2.1", 80, "edge", R"(,"hostname":"x.com")"));
  update();
  EXPECT_EQ(delta_keys("n1"), (Lines{"+shard/edge uid-listener web", "+shard/other uid-listener web"}));
  add(pool_key("a", "p"), pool_body(81));
  update();
  EXPECT_EQ(delta_keys("n1"), Lines{"+shard/other uid-pool a/p"});
}

TEST_F(OutputsHop, ARouteOnBothShardsIsServedByItsOwnersAlone) {
  move_to("other");
  add(route_key("a", "both"), route_body("\"web\",\"alt\"", "p"));
  update();
  EXPECT_EQ(find<contract::Route>("edge", contract::Kind::kRoute, "uid-route a/both")->listeners,
            std::vector<std::string>{"uid-listener web"});
  EXPECT_EQ(find<contract::Route>("other", contract::Kind::kRoute, "uid-route a/both")->listeners,
            (std::vector<std::string>{"uid-listener web", "uid-listener alt"}));
}

TEST_F(OutputsHop, AShardThatIsMissingIsAnUnresolvedForward) {
  move_to("gone");
  EXPECT_EQ(find<contract::Route>("edge", contract::Kind::kRoute, "uid-route a/r3")->rules[0].forward,
            (std::vector<contract::Forward>{{"", 1}}));
  add(global(Kind::kShard, "gone"), "{}");
  update();
  EXPECT_EQ(find<contract::Route>("edge", contract::Kind::kRoute, "uid-route a/r3")->rules[0].forward,
            (std::vector<contract::Forward>{{"hop/uid-shard gone", 1}}));
  EXPECT_TRUE(find<contract::Pool>("edge", contract::Kind::kPool, "hop/uid-shard gone"));
}

}  // namespace
}  // namespace headgate::compile
