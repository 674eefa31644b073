// SPDX-License-Identifier: Apache-2.0
// The law of DESIGN section 2: base + deltas == full compile, for every node and every audience, after any
// sequence of changes; also of those that no check would let through, since imports may stay unresolved.
#include "mgmt/compile/outputs.hpp"

#include <array>
#include <random>

#include <gtest/gtest.h>

#include "dataplane/contract/codec.hpp"
#include "mgmt/compile/compile_all.hpp"
#include "tests/mgmt/compile/certificate_bodies.hpp"
#include "tests/mgmt/compile/model_fixture.hpp"

namespace headgate::compile {
namespace {

class RandomWorld {
 public:
  explicit RandomWorld(uint32_t seed) : random_(seed) {}

  // A few random puts and removals, and the keys they concern.
  Keys change() {
    Keys changed;
    const auto count = 1 + pick(3);
    for (uint32_t i = 0; i < count; ++i) {
      const auto key = random_key();
      if (changed.contains(key)) continue;
      changed.insert(key);
      if (pick(4) == 0)
        model_.remove(key);
      else
        put_random(key);
    }
    return changed;
  }

  const Model& model() const { return model_; }
  // Numbers come from keys alone here: what is allocated stays.
  const Numbers& numbers() {
    for (const auto* shard : model_.all(Kind::kShard))
      for (const auto& key : required_allocations(model_, *shard))
        numbers_.emplace(key, static_cast<uint32_t>(numbers_.size() + 1024));
    return numbers_;
  }
  uint32_t pick(uint32_t count) { return random_() % count; }

 private:
  std::string name(char letter, uint32_t count) {
    return std::string(1, letter) + std::to_string(pick(count));
  }
  db::ObjectKey random_key() {
    switch (pick(15)) {
      case 0:
        return global(Kind::kNode, name('n', 4));
      case 1:
        return global(Kind::kShard, name('s', 3));
      case 2:
      case 3:
        return global(Kind::kListener, name('l', 5));
      case 4:
      case 5:
        return pool_key(name('a', 2), name('p', 4));
      case 6:
        return global(Kind::kNamespace, name('a', 2));
      case 7:
      case 8:
        return {Kind::kCertificate, pick(2) ? "" : name('a', 2), name('c', 2)};
      case 9:
        return {Kind::kSecret, pick(2) ? "" : name('a', 2), name('t', 2)};
      case 10:
      case 11:
        return {Kind::kPolicy, pick(2) ? "" : name('a', 2), name('y', 3)};
      default:
        return route_key(name('a', 2), name('r', 8));
    }
  }

  std::string random_body(const db::ObjectKey& key) {
    switch (key.kind) {
      case Kind::kNode:
        return R"({"labels":{"zone":")" + name('z', 2) + R"("},"drain":)" + (pick(4) ? "false" : "true") +
               (pick(4) ? "" : R"(,"roles":["worker"])") + (pick(9) ? "" : R"(,"roles":["ingress"])") + "}";
      case Kind::kShard: {
        const auto nodes = pick(3) == 0   ? R"({"names":[")" + name('n', 4) + "\",\"" + name('n', 4) + "\"]}"
                           : pick(2) == 0 ? R"({"labels":{"zone":")" + name('z', 2) + "\"}}"
                                          : std::string("{}");
        return R"({"nodes":)" + nodes + R"(,"replicas_per_node":)" + std::to_string(1 + pick(12)) +
               R"(,"threads_per_replica":)" + std::to_string(1 + pick(2)) + "}";
      }
      case Kind::kListener: {
        // An address belongs to one shard: from the shard's number follows the address.
        const auto shard = pick(3);
        const auto address = pick(5) == 0   ? "127.0.0." + std::to_string(1 + shard)
                             : pick(2) == 0 ? "192.0.2." + std::to_string(1 + shard)
                                            : "2001:db8::" + std::to_string(1 + shard);
        return listener_body(
            address, 80 + static_cast<int>(pick(2)), "s" + std::to_string(shard),
            R"(,"hostname":"h)" + std::to_string(pick(3)) + ".com\"" + (pick(2) ? random_tls() : ""));
      }
      case Kind::kCertificate:
        return stored_certificate(issued_certificate(pick(3)));
      case Kind::kSecret:
        return pick(3) ? (pick(2) ? ca_body() : client_ca_body()) : R"({"type":"opaque","digest":"d"})";
      case Kind::kNamespace:  // s3 never exists
        return pick(3) ? R"({"shard":")" + name('s', 4) + "\"}" : "{}";
      case Kind::kRoute:
        return R"({"listeners":["l)" + std::to_string(pick(2)) + R"(","l)" + std::to_string(2 + pick(3)) +
               R"("],"rules":[{"forward":[{"pool":")" + name('p', 4) + "\"" + random_filters() +
               R"(},{"pool":")" + name('a', 2) + "/" + name('p', 4) + R"(","weight":)" +
               std::to_string(pick(3)) + "}]" + random_filters() + "}]}";
      case Kind::kPool:
        return pick(2) ? random_pool() : tls_pool_body(random_pool_tls());
      case Kind::kPolicy:
        return random_policy(!key.namespace_name.empty());
    }
    return "{}";
  }

  std::string random_policy(bool in_namespace) {
    std::string targets;
    if (in_namespace)
      targets = pick(2) ? R"("routes":[")" + name('r', 8) + R"("])" : "";
    else
      targets =
          std::array{R"("listeners":[")" + name('l', 5) + R"("])", R"("shards":[")" + name('s', 4) + R"("])",
                     R"("namespaces":[")" + name('a', 2) + R"("])"}
              .at(pick(3));
    return R"({"targets":{)" + targets + R"(},"mode":")" + (pick(2) ? "default" : "mandatory") + "\"" +
           (pick(2) ? R"(,"rate_limit":{"requests":1})" : "") + R"(,"ip_access":{"allow":["10.0.0.)" +
           std::to_string(pick(3)) + R"("]}})";
  }

  std::string random_filters() {
    if (pick(3)) return "";
    return R"(,"filters":{"buffer_request":{"max_bytes":")" + std::to_string(1 + pick(2)) +
           R"("},"mirror":[{"pool":")" + random_place() + name('p', 4) + R"(","percent":)" +
           std::to_string(pick(3)) + "}]}";
  }
  std::string random_pool() {
    auto body = pool_body(1 + static_cast<int>(pick(5)));
    if (const auto version = pick(3))
      body.insert(1, R"("proxy_protocol":"v)" + std::to_string(version) + R"(",)");
    return body;
  }
  std::string random_place() { return pick(2) ? "" : name('a', 2) + "/"; }
  std::string random_pool_tls() {
    std::string tls = R"("server_name":")" + name('n', 2) + "\"";
    if (pick(2)) tls += R"(,"ca":")" + random_place() + name('t', 2) + "\"";
    if (pick(2)) tls += R"(,"certificate":")" + random_place() + name('c', 2) + "\"";
    return tls;
  }
  std::string random_tls() {
    auto certificates = "\"" + random_place() + "c0\"";
    if (pick(2)) certificates += ",\"" + random_place() + "c1\"";
    constexpr std::array<const char*, 3> kModes{"none", "optional", "require"};
    return https_more(certificates, pick(2)
                                        ? ""
                                        : R"(,"client_auth":{"mode":")" + std::string(kModes.at(pick(3))) +
                                              R"(","ca":")" + random_place() + name('t', 2) + "\"}");
  }

  void put_random(const db::ObjectKey& key) {
    const auto* before = model_.find(key);
    auto meta = before ? before->meta : db::ObjectMeta{};
    if (!before) {
      meta.uid = "uid" + std::to_string(++uids_);
      meta.created_at_ms = pick(3);  // orders policies
    }
    put(model_, key, random_body(key));
    model_.set_meta(key, meta);
  }

  std::mt19937 random_;
  Model model_;
  Numbers numbers_;
  int uids_ = 0;
};

// What a node or process holds that polls now and then, as bytes over the wire.
void follow(contract::Snapshot& holder, const contract::Delta& delta) {
  auto decoded = contract::decode_delta(contract::encode(delta));
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  ASSERT_TRUE(contract::apply(holder, *decoded).ok());
}

std::vector<std::string> audiences(const contract::Snapshot& a, const contract::Snapshot& b) {
  std::set<std::string> names;
  for (const auto* snapshot : {&a, &b})
    for (const auto& [key, object] : snapshot->objects) names.insert(key.audience);
  return {names.begin(), names.end()};
}

class OutputsLaw : public ::testing::TestWithParam<uint32_t> {};

TEST_P(OutputsLaw, BasePlusDeltasIsTheFullCompile) {
  RandomWorld world(GetParam());
  Outputs outputs;
  std::map<std::string, contract::Snapshot> holders;  // nodes that poll at random times
  for (contract::Revision revision = 1; revision <= 400; ++revision) {
    const auto changed = world.change();
    const auto touched = outputs.update(world.model(), world.numbers(), changed, revision);
    const auto expected = compile_all(world.model(), world.numbers(), revision);
    for (const auto& [node, snapshot] : expected) {
      const auto* kept = outputs.snapshot(node);
      ASSERT_TRUE(kept) << node;
      ASSERT_TRUE(*kept == snapshot) << "node " << node << ", revision " << revision;
    }
    for (int i = 0; i < 4; ++i) {
      const auto node = "n" + std::to_string(i);
      ASSERT_EQ(outputs.snapshot(node) != nullptr, expected.contains(node));
      if (!expected.contains(node)) {
        holders.erase(node);
        continue;
      }
      if (world.pick(3) != 0) continue;
      auto& holder = holders[node];
      const auto delta = outputs.delta_since(node, holder.revision);
      ASSERT_TRUE(delta);
      for (const auto& audience : audiences(holder, expected.at(node))) {
        auto part = contract::filter(holder, audience);
        ASSERT_TRUE(contract::apply(part, contract::filter(*delta, audience)).ok());
        ASSERT_TRUE(part == contract::filter(expected.at(node), audience)) << audience;
      }
      ASSERT_NO_FATAL_FAILURE(follow(holder, *delta));
      ASSERT_TRUE(holder == expected.at(node)) << "node " << node << ", revision " << revision;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, OutputsLaw, ::testing::Range(1u, 7u));

// --- how much a change costs

class OutputsDelta : public ::testing::Test {
 protected:
  OutputsDelta() {
    for (const auto* node : {"n1", "n2"}) add(global(Kind::kNode, node), "{}");
    for (const auto* shard : {"edge", "other"}) add(global(Kind::kShard, shard), "{}");
    add(global(Kind::kListener, "web"), listener_body("192.0.2.1", 80, "edge"));
    add(global(Kind::kListener, "alt"), listener_body("192.0.2.2", 80, "other"));
    add(pool_key("a", "p"), pool_body());
    for (int i = 0; i < 20; ++i) add(route_key("a", "r" + std::to_string(i)), route_body("\"web\"", "p"));
    update();
  }
  void add(const db::ObjectKey& key, const std::string& body) {
    put(model_, key, body);
    changed_.insert(key);
  }
  std::vector<std::string> update() {
    for (const auto* shard : model_.all(Kind::kShard))
      for (const auto& key : required_allocations(model_, *shard))
        numbers_.emplace(key, static_cast<uint32_t>(numbers_.size() + 1024));
    return outputs_.update(model_, numbers_, std::exchange(changed_, {}), ++revision_);
  }
  std::vector<std::string> delta_keys(const std::string& node) const {
    std::vector<std::string> keys;
    const auto delta = outputs_.delta_since(node, revision_ - 1);
    for (const auto& upsert : delta->upserts) keys.push_back("+" + upsert.key.audience + " " + upsert.key.id);
    for (const auto& key : delta->removals) keys.push_back("-" + key.audience + " " + key.id);
    return keys;
  }
  using Lines = std::vector<std::string>;

  Model model_;
  Numbers numbers_;
  Outputs outputs_;
  Keys changed_;
  contract::Revision revision_ = 0;
};

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

// --- the derived hop

// The listener web ends on edge; namespace a has 20 routes there, and moves.
class OutputsHop : public OutputsDelta {
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
