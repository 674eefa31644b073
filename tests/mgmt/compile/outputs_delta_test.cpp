// SPDX-License-Identifier: Apache-2.0
// How much a change costs: which objects are in whose delta.
#include "mgmt/compile/outputs.hpp"
#include "tests/mgmt/compile/certificate_bodies.hpp"
#include "tests/mgmt/compile/outputs_fixture.hpp"

namespace headgate::compile {
namespace {

class OutputsDelta : public OutputsFixture {};

TEST_F(OutputsDelta, AChangedRouteIsOneObject) {
  add(route_key("a", "r3"), route_body("\"web\"", "p", R"(,"hostnames":["x.com"])"));
  EXPECT_EQ(update(), (Lines{"n1", "n2"}));
  EXPECT_EQ(delta_keys("n1"), Lines{"+shard/edge uid-route a/r3"});
}

TEST_F(OutputsDelta, APoolComesWithItsFirstRouteAndGoesWithItsLast) {
  add(pool_key("a", "q"), pool_body());
  EXPECT_EQ(update(), Lines{});  // nobody forwards to it
  add(route_key("a", "x"), route_body("\"alt\"", "q"));
  update();
  EXPECT_EQ(delta_keys("n2"), (Lines{"+shard/other uid-route a/x", "+shard/other uid-pool a/q"}));
  add(route_key("a", "x"), route_body("\"web\",\"alt\"", "p"));
  update();
  EXPECT_EQ(delta_keys("n2"), (Lines{"+shard/edge uid-route a/x", "+shard/other uid-route a/x",
                                     "+shard/other uid-pool a/p", "-shard/other uid-pool a/q"}));
}

TEST_F(OutputsDelta, ACertificateIsWhereAListenerShowsIt) {
  add(global(Kind::kCertificate, "c"), stored_certificate(issued_certificate(0)));
  add(global(Kind::kSecret, "ca"), client_ca_body());
  EXPECT_EQ(update(), Lines{});  // nobody shows it
  const auto tls = https_more("\"c\"", R"(,"client_auth":{"mode":"require","ca":"ca"})");
  add(global(Kind::kListener, "web"), listener_body("192.0.2.1", 80, "edge", tls));
  update();
  EXPECT_EQ(delta_keys("n2"), (Lines{"+shard/edge uid-listener web", "+shard/edge uid-certificate c",
                                     "+shard/edge uid-secret ca"}));
  add(global(Kind::kCertificate, "c"), stored_certificate(issued_certificate(1)));
  update();
  EXPECT_EQ(delta_keys("n2"), Lines{"+shard/edge uid-certificate c"});
  add(global(Kind::kListener, "web"), listener_body("192.0.2.1", 80, "edge", https_more("\"c\"")));
  update();
  EXPECT_EQ(delta_keys("n2"), (Lines{"+shard/edge uid-listener web", "-shard/edge uid-secret ca"}));
  add(global(Kind::kListener, "web"), listener_body("192.0.2.1", 80, "edge"));
  update();
  EXPECT_EQ(delta_keys("n2"), (Lines{"+shard/edge uid-listener web", "-shard/edge uid-certificate c"}));
}

TEST_F(OutputsDelta, ACertificateIsWhereAPoolThatIsUsedShowsIt) {
  add({Kind::kCertificate, "a", "c"}, stored_certificate(issued_certificate(0)));
  add({Kind::kSecret, "a", "roots"}, ca_body());
  add(pool_key("a", "q"), tls_pool_body(R"("ca":"roots","certificate":"c")"));
  EXPECT_EQ(update(), Lines{});  // nobody forwards to it
  add(pool_key("a", "p"), tls_pool_body(R"("ca":"roots","certificate":"c")"));
  update();
  EXPECT_EQ(delta_keys("n2"), (Lines{"+shard/edge uid-pool a/p", "+shard/edge uid-certificate a/c",
                                     "+shard/edge uid-secret a/roots"}));
  add({Kind::kCertificate, "a", "c"}, stored_certificate(issued_certificate(1)));
  update();
  EXPECT_EQ(delta_keys("n2"), Lines{"+shard/edge uid-certificate a/c"});
  add(route_key("a", "x"), route_body("\"alt\"", "p"));
  update();
  EXPECT_EQ(delta_keys("n2"), (Lines{"+shard/other uid-route a/x", "+shard/other uid-pool a/p",
                                     "+shard/other uid-certificate a/c", "+shard/other uid-secret a/roots"}));
  add(pool_key("a", "p"), tls_pool_body(R"("ca":"roots")"));
  update();
  EXPECT_EQ(delta_keys("n2"), (Lines{"+shard/edge uid-pool a/p", "+shard/other uid-pool a/p",
                                     "-shard/edge uid-certificate a/c", "-shard/other uid-certificate a/c"}));
  add(route_key("a", "x"), route_body("\"web\"", "p"));
  update();
  EXPECT_EQ(delta_keys("n2"), (Lines{"+shard/edge uid-route a/x", "-shard/other uid-route a/x",
                                     "-shard/other uid-pool a/p", "-shard/other uid-secret a/roots"}));
}

TEST_F(OutputsDelta, ANewListenerReachesNodeL4AndShard) {
  add(global(Kind::kListener, "web6"), listener_body("2001:db8::1", 80, "edge"));
  update();
  EXPECT_EQ(delta_keys("n1"),
            (Lines{"+l4 tcp/[2001:db8::1]:80", "+node uid-shard edge", "+shard/edge uid-listener web6"}));
}

TEST_F(OutputsDelta, AListenerOnLoopbackIsNothingForL4) {
  add(global(Kind::kListener, "lo"), listener_body("127.0.0.1", 80, "edge"));
  update();
  EXPECT_EQ(delta_keys("n1"), (Lines{"+node uid-shard edge", "+shard/edge uid-listener lo"}));
}

TEST_F(OutputsDelta, ANodeThatDrainsTellsItsL4) {
  add(global(Kind::kNode, "n1"), R"({"drain":true})");
  EXPECT_EQ(update(), Lines{"n1"});
  EXPECT_EQ(delta_keys("n1"), (Lines{"+l4 tcp/192.0.2.1:80", "+l4 tcp/192.0.2.2:80", "+node uid-node n1"}));
}

TEST_F(OutputsDelta, ReplicasKeepTheirPortsWhenMoreCome) {
  const auto sockets = [&] {
    const contract::ObjectKey key{"node", contract::Kind::kReplicaGroup, "uid-shard edge"};
    return std::get<contract::ReplicaGroup>(*outputs_.snapshot("n1")->objects.at(key)).sockets;
  };
  const auto before = sockets();
  ASSERT_EQ(before.size(), 1u);
  ASSERT_EQ(before[0].local_ports.size(), 1u);
  add(global(Kind::kShard, "edge"), R"({"replicas_per_node":3})");
  update();
  const auto after = sockets();
  ASSERT_EQ(after[0].local_ports.size(), 3u);
  EXPECT_EQ(after[0].local_ports[0], before[0].local_ports[0]);
}

TEST_F(OutputsDelta, AnUnknownBaseIsAnsweredInFull) {
  const auto delta = outputs_.delta_since("n1", 77);
  EXPECT_EQ(delta->base, 0u);
  EXPECT_EQ(delta->upserts.size(), outputs_.snapshot("n1")->objects.size());
  EXPECT_FALSE(outputs_.delta_since("n9", 0));
  EXPECT_TRUE(outputs_.delta_since("n1", revision_)->empty());
}

TEST_F(OutputsDelta, APolicyIsOneObjectAndWhatItStandsAboveNamesIt) {
  const db::ObjectKey policy = global(Kind::kPolicy, "calm");
  add(policy, R"({"targets":{"listeners":["web"]},"rate_limit":{"requests":1}})");
  update();
  EXPECT_EQ(delta_keys("n1"), (Lines{"+shard/edge uid-listener web", "+shard/edge uid-policy calm"}));
  // What it says, and how, is its own; of whom it stands above they both tell.
  add(policy, R"({"targets":{"listeners":["web"]},"mode":"mandatory","rate_limit":{"requests":2}})");
  update();
  EXPECT_EQ(delta_keys("n1"), Lines{"+shard/edge uid-policy calm"});
  add(policy, R"({"targets":{"shards":["other"]},"mode":"mandatory","rate_limit":{"requests":2}})");
  update();
  EXPECT_EQ(delta_keys("n1"), (Lines{"+shard/edge uid-listener web", "+shard/other uid-listener alt",
                                     "+shard/other uid-policy calm", "-shard/edge uid-policy calm"}));
}

}  // namespace
}  // namespace headgate::compile
