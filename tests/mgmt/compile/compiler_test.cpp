// SPDX-License-Identifier: Apache-2.0
// The Compiler over a real store: what the service does with each write.
#include "mgmt/compile/compiler.hpp"

#include <filesystem>
#include <random>

#include <gmock/gmock.h>

#include "dataplane/core/assert.hpp"
#include "db/store/store.hpp"
#include "mgmt/compile/compile_all.hpp"
#include "tests/mgmt/compile/certificate_bodies.hpp"
#include "tests/mgmt/compile/model_fixture.hpp"

namespace headgate::compile {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CompilerOverStore : public ::testing::Test {
 protected:
  CompilerOverStore() {
    std::string pattern = (std::filesystem::temp_directory_path() / "headgate-compiler-XXXXXX").string();
    HG_ASSERT(mkdtemp(pattern.data()) != nullptr);
    directory_ = pattern;
    open();
  }
  ~CompilerOverStore() override {
    store_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  void open() {
    compiler_.reset();
    store_.reset();
    auto store = db::Store::open(directory_ + "/headgate.db");
    ASSERT_TRUE(store.ok()) << store.error().message;
    store_ = std::make_unique<db::Store>(*std::move(store));
    auto reader = store_->reader();
    ASSERT_TRUE(reader.ok());
    auto compiler = Compiler::load(
        *reader, {.ticket_secret = "tickets", .salt_of = [](const std::string& data) { return data + "!"; }});
    ASSERT_TRUE(compiler.ok()) << compiler.error().message;
    compiler_ = std::make_unique<Compiler>(*std::move(compiler));
  }

  static ProposedChange put(db::ObjectKey key, std::string body) {
    return {.key = std::move(key), .body = std::move(body), .precondition = {}};
  }
  static ProposedChange remove(db::ObjectKey key) {
    return {.key = std::move(key), .body = {}, .precondition = {}};
  }

  struct Outcome {
    Problems problems;
    db::WriteResult stored = db::Refused{};
    std::vector<std::string> nodes;
  };
  Outcome write(const std::vector<ProposedChange>& changes, bool dry_run = false) {
    Outcome outcome;
    auto proposal = compiler_->propose(changes);
    outcome.problems = proposal.problems;
    if (!outcome.problems.empty()) {
      compiler_->revert();
      return outcome;
    }
    proposal.write.author = "test";
    proposal.write.dry_run = dry_run;
    for (const auto& secret : proposal.secrets) proposal.write.secrets.push_back({secret.digest, "sealed"});
    outcome.stored = store_->write(proposal.write);
    const auto* committed = std::get_if<db::Committed>(&outcome.stored);
    if (committed && !dry_run)
      outcome.nodes = compiler_->commit(*committed);
    else
      compiler_->revert();
    return outcome;
  }
  void commit(const std::vector<ProposedChange>& changes) {
    const auto outcome = write(changes);
    for (const auto& problem : outcome.problems) ADD_FAILURE() << problem.pointer << ": " << problem.detail;
    if (const auto* refused = std::get_if<db::Refused>(&outcome.stored))
      ADD_FAILURE() << refused->error.message;
  }
  void simple_ingress() {
    commit({put(global(Kind::kNode, "n1"), "{}"),
            put(global(Kind::kShard, "edge"), R"({"replicas_per_node":2})"),
            put(global(Kind::kListener, "web"), listener_body("192.0.2.1", 80, "edge")),
            put(pool_key("default", "app"), pool_body()),
            put(route_key("default", "app"), route_body("\"web\"", "app"))});
  }
  void expect_in_step() {
    const auto expected = compile_all(compiler_->model(), compiler_->numbers(), compiler_->revision());
    for (const auto& [node, snapshot] : expected) {
      ASSERT_TRUE(compiler_->snapshot(node)) << node;
      ASSERT_TRUE(*compiler_->snapshot(node) == snapshot) << node << " at " << compiler_->revision();
    }
  }
  template <typename T>
  T object(const contract::ObjectKey& key) {
    return std::get<T>(*compiler_->snapshot("n1")->objects.at(key));
  }
  std::string uid(const db::ObjectKey& key) { return compiler_->model().find(key)->meta.uid; }

  std::string directory_;
  std::unique_ptr<db::Store> store_;
  std::unique_ptr<Compiler> compiler_;
};

TEST_F(CompilerOverStore, SimpleIngressIsOneSnapshotOfConsistentNumbers) {
  simple_ingress();
  EXPECT_EQ(compiler_->revision(), 2u);
  ASSERT_EQ(compiler_->snapshot("n1")->objects.size(), 7u);
  const auto group = object<contract::ReplicaGroup>(
      {"node", contract::Kind::kReplicaGroup, uid(global(Kind::kShard, "edge"))});
  const auto l4 = object<contract::L4Listener>({"l4", contract::Kind::kL4Listener, "tcp/192.0.2.1:80"});
  ASSERT_EQ(l4.targets.size(), 2u);
  EXPECT_EQ(l4.targets[0].name, "edge/0");
  EXPECT_EQ(l4.targets[0].port, group.sockets[0].local_ports[0]);
  EXPECT_EQ(l4.targets[1].port, group.sockets[0].local_ports[1]);
  EXPECT_NE(l4.targets[0].id, l4.targets[1].id);
  EXPECT_NE(l4.targets[0].id, 0u);
  const auto route =
      object<contract::Route>({"shard/edge", contract::Kind::kRoute, uid(route_key("default", "app"))});
  EXPECT_EQ(route.rules[0].forward[0].pool, uid(pool_key("default", "app")));
  EXPECT_EQ(route.listeners, std::vector{uid(global(Kind::kListener, "web"))});
  EXPECT_GT(route.created_at_ms, 0);
}

TEST_F(CompilerOverStore, ARestartCompilesTheSame) {
  simple_ingress();
  const auto before = *compiler_->snapshot("n1");
  open();
  EXPECT_TRUE(*compiler_->snapshot("n1") == before);
  EXPECT_TRUE(compiler_->delta_since("n1", before.revision)->empty());
}

TEST_F(CompilerOverStore, WhatStandsForNothingIsRefusedAndYetReadWhereItIsStored) {
  simple_ingress();
  const auto key = route_key("default", "app");
  const std::string body = R"({"listeners":["web"],"rules":[{"forward":[{"pool":"app"}],
      "matches":[{"headers":[{"name":"upgrade","value":"websocket"}]}]}]})";
  const auto refused = write({put(key, body)}).problems;
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].code, "not_allowed");
  // As a release before this one would have stored it.
  db::Write earlier;
  earlier.author = "test";
  earlier.changes.push_back({.key = key,
                             .body = body,
                             .uid = uid(key),
                             .references = {},
                             .claim = {},
                             .secret = {},
                             .precondition = {}});
  ASSERT_TRUE(std::holds_alternative<db::Committed>(store_->write(earlier)));
  open();
  const auto route = object<contract::Route>({"shard/edge", contract::Kind::kRoute, uid(key)});
  EXPECT_EQ(route.rules[0].matches[0].headers[0].name, "upgrade");
}

TEST_F(CompilerOverStore, WhatIsRefusedOrOnlyTriedLeavesNoTrace) {
  simple_ingress();
  const auto before = *compiler_->snapshot("n1");
  const auto conflict =
      write({remove(global(Kind::kShard, "edge")), put(global(Kind::kNode, "n2"), R"({"x":1})")});
  EXPECT_EQ(conflict.problems.size(), 2u);
  auto stale = put(route_key("default", "app"), route_body("\"web\"", "app", R"(,"hostnames":["x.com"])"));
  stale.precondition.revision = 1;
  EXPECT_TRUE(std::holds_alternative<db::Refused>(write({stale}).stored));
  const auto dry = write({remove(route_key("default", "app")), remove(pool_key("default", "app")),
                          put(global(Kind::kNode, "n2"), "{}")},
                         true);
  EXPECT_TRUE(std::holds_alternative<db::Committed>(dry.stored));
  EXPECT_TRUE(*compiler_->snapshot("n1") == before);
  EXPECT_FALSE(compiler_->snapshot("n2"));
  EXPECT_FALSE(compiler_->model().find(Kind::kNode, "n2"));
  expect_in_step();
  commit({remove(route_key("default", "app"))});
  expect_in_step();
}

TEST_F(CompilerOverStore, TheSameBodyTouchesNoNode) {
  simple_ingress();
  EXPECT_THAT(write({put(pool_key("default", "app"), pool_body())}).nodes, IsEmpty());
  EXPECT_EQ(compiler_->revision(), 2u);
  EXPECT_THAT(write({put(pool_key("default", "app"), pool_body(81))}).nodes, ElementsAre("n1"));
  EXPECT_EQ(compiler_->revision(), 3u);
}

TEST_F(CompilerOverStore, NumbersStayWithTheirOwners) {
  simple_ingress();
  const auto key = contract::ObjectKey{"l4", contract::Kind::kL4Listener, "tcp/192.0.2.1:80"};
  const auto before = object<contract::L4Listener>(key);
  commit({put(global(Kind::kListener, "second"), listener_body("192.0.2.2", 80, "edge"))});
  EXPECT_EQ(object<contract::L4Listener>(key), before);
  const auto second = object<contract::L4Listener>({"l4", contract::Kind::kL4Listener, "tcp/192.0.2.2:80"});
  for (const auto& a : before.targets)
    for (const auto& b : second.targets) EXPECT_NE(a.id, b.id);
  commit({put(global(Kind::kShard, "edge"), R"({"replicas_per_node":1})")});
  commit({put(global(Kind::kShard, "edge"), R"({"replicas_per_node":2})")});
  EXPECT_EQ(object<contract::L4Listener>(key), before);
  open();
  EXPECT_EQ(object<contract::L4Listener>(key), before);
}

TEST_F(CompilerOverStore, AnAddressMovesToAnotherShardInOneWrite) {
  simple_ingress();
  commit({put(global(Kind::kShard, "aaa"), "{}"), put(global(Kind::kShard, "zzz"), "{}")});
  for (const auto* shard : {"aaa", "zzz", "aaa", "edge"}) {
    commit({put(global(Kind::kListener, "web"), listener_body("192.0.2.1", 80, shard))});
    const auto l4 = object<contract::L4Listener>({"l4", contract::Kind::kL4Listener, "tcp/192.0.2.1:80"});
    EXPECT_EQ(l4.targets[0].name, std::string(shard) + "/0");
    expect_in_step();
  }
}

TEST_F(CompilerOverStore, AKeyIsInNoRevisionAndNoSnapshotAndItsDigestIsInBoth) {
  simple_ingress();
  const auto key = global(Kind::kCertificate, "c");
  const auto& issued = issued_certificate();
  commit({put(key, certificate_body(issued)),
          put(global(Kind::kListener, "web"), listener_body("192.0.2.1", 443, "edge", https_more("\"c\"")))});
  EXPECT_EQ(store_->reader()->get(key).value()->body, stored_certificate(issued));
  const auto certificate =
      object<contract::Certificate>({"shard/edge", contract::Kind::kCertificate, uid(key)});
  EXPECT_EQ(certificate.key_digest, tls::sha256_hex(issued.key));
  EXPECT_EQ(certificate.chain, issued.certificate);
  const auto settings = object<contract::ShardSettings>(
      {"shard/edge", contract::Kind::kShardSettings, uid(global(Kind::kShard, "edge"))});
  EXPECT_EQ(settings.ticket_secret, "tickets");
  // The same again, with and without the key, is no change.
  EXPECT_THAT(write({put(key, certificate_body(issued))}).nodes, IsEmpty());
  EXPECT_THAT(write({put(key, chain_body(issued.certificate))}).nodes, IsEmpty());
  EXPECT_EQ(compiler_->revision(), 3u);
  open();
  expect_in_step();
}

TEST_F(CompilerOverStore, AChainOfAnotherKeyNeedsThatKey) {
  const auto key = global(Kind::kCertificate, "c");
  commit({put(key, certificate_body(issued_certificate(0)))});
  const auto refused = write({put(key, chain_body(issued_certificate(1).certificate))});
  ASSERT_EQ(refused.problems.size(), 1u);
  EXPECT_EQ(refused.problems[0].pointer, "/private_key");
  commit({put(key, certificate_body(issued_certificate(1)))});
  commit({remove(key)});
  EXPECT_EQ(write({put(key, chain_body(issued_certificate(1).certificate))}).problems.size(), 1u);
}

// Everything that a service may do, valid or not, over a store that has the last word.
TEST_F(CompilerOverStore, StaysInStepOverRandomWrites) {
  std::mt19937 random(7);
  const auto pick = [&](uint32_t count) { return std::to_string(random() % count); };
  const auto random_change = [&]() -> ProposedChange {
    const bool removes = random() % 5 == 0;
    const auto change = [&](db::ObjectKey key, std::string body) {
      return removes ? remove(std::move(key)) : put(std::move(key), std::move(body));
    };
    switch (random() % 12) {
      case 10:
        return put(global(Kind::kNamespace, "default"),
                   random() % 3 ? R"({"shard":"s)" + pick(3) + "\"}" : "{}");
      case 0:
        return change(global(Kind::kNode, "n" + pick(3)), R"({"labels":{"z":")" + pick(2) + "\"}}");
      case 1:
        return change(global(Kind::kShard, "s" + pick(3)), R"({"nodes":{"labels":{"z":")" + pick(2) +
                                                               R"("}},"replicas_per_node":)" +
                                                               std::to_string(1 + random() % 3) + "}");
      case 11:
        return change(global(Kind::kListener, "l" + pick(4)),
                      pool_listener_body("192.0.2." + std::to_string(1 + random() % 4),
                                         1 + static_cast<int>(random() % 3), "default/p" + pick(3)));
      case 2:
      case 3:
        return change(global(Kind::kListener, "l" + pick(4)),
                      listener_body("192.0.2." + std::to_string(1 + random() % 3), 80, "s" + pick(3),
                                    R"(,"hostname":"h)" + pick(3) + ".com\"" +
                                        (random() % 2 ? https_more("\"c" + pick(2) + "\"") : "")));
      case 4:
        return change(pool_key("default", "p" + pick(3)), pool_body(1 + static_cast<int>(random() % 3)));
      case 5:
      case 6: {
        const auto& issued = issued_certificate(random() % 3);
        return change(global(Kind::kCertificate, "c" + pick(2)),
                      random() % 3 ? certificate_body(issued) : chain_body(issued.certificate));
      }
      case 7:
        return change({Kind::kSecret, "default", "t" + pick(2)},
                      random() % 2 ? client_ca_body() : password_body("p" + pick(2)));
      default:
        return change(route_key("default", "r" + pick(5)), route_body("\"l" + pick(4) + "\"", "p" + pick(3)));
    }
  };
  int committed = 0;
  std::map<std::string, contract::Snapshot> holders;
  for (int i = 0; i < 400; ++i) {
    std::vector<ProposedChange> changes{random_change()};
    if (random() % 2) changes.push_back(random_change());
    const auto outcome = write(changes, random() % 8 == 0);
    committed += std::holds_alternative<db::Committed>(outcome.stored);
    // What the checks let through, the database does too: they know the same rules.
    if (outcome.problems.empty()) {
      ASSERT_TRUE(std::holds_alternative<db::Committed>(outcome.stored))
          << std::get<db::Refused>(outcome.stored).error.message;
    }
    ASSERT_NO_FATAL_FAILURE(expect_in_step());
    for (const auto* node : {"n0", "n1", "n2"}) {
      if (!compiler_->snapshot(node)) {
        holders.erase(node);
        continue;
      }
      if (random() % 3) continue;
      const auto delta = compiler_->delta_since(node, holders[node].revision);
      ASSERT_TRUE(contract::apply(holders[node], *delta).ok());
      ASSERT_TRUE(holders[node] == *compiler_->snapshot(node));
    }
    if (i % 97 == 0) {
      open();
      ASSERT_NO_FATAL_FAILURE(expect_in_step());
    }
  }
  EXPECT_GT(committed, 100);
}

}  // namespace
}  // namespace headgate::compile
