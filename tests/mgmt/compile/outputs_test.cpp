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
    for (const auto& key : all_allocations(model_))
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
        // One place a listener.
        if (pick(4) == 0)
          return pool_listener_body("203.0.113.1" + key.name.substr(1), 80 + static_cast<int>(pick(2)),
                                    name('a', 2) + "/" + name('p', 4),
                                    R"(,"protocol":")" + std::string(pick(2) ? "tcp" : "udp") + "\"");
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
                                              R"(","ca":")" + random_place() + name('t', 2) +
                                              (pick(2) ? R"(","forward_certificate":true})" : "\"}"));
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

}  // namespace
}  // namespace headgate::compile
