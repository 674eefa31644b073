// SPDX-License-Identifier: Apache-2.0
// Listeners that end on a pool: what is refused, and what ingress nodes are told of them.
#include <gmock/gmock.h>

#include "tests/mgmt/compile/outputs_fixture.hpp"

namespace headgate::compile {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class PoolListener : public OutputsFixture {
 protected:
  PoolListener() {
    add(global(Kind::kNamespace, "a"), "{}");
    add(pool_key("a", "db"), kTwoBackends);
    update();
  }
  std::vector<std::string> put_and_check(const db::ObjectKey& key, const std::string& body) {
    add(key, body);
    std::vector<std::string> lines;
    for (const auto& problem : check(model_, {key}))
      lines.push_back((problem.conflict ? "!" : "") + problem.object.to_string() + " " + problem.pointer +
                      " " + problem.code);
    return lines;
  }
  void add_listener(const std::string& name, const std::string& address) {
    add(global(Kind::kListener, name), pool_listener_body(address, 5432, "a/db"));
  }
  contract::L4Listener compiled(const std::string& id) const {
    const auto key = contract::ObjectKey{"l4", contract::Kind::kL4Listener, id};
    return std::get<contract::L4Listener>(*outputs_.snapshot("n1")->objects.at(key));
  }

  static constexpr const char* kTwoBackends =
      R"({"backends":[{"address":"10.0.0.2","port":5432,"weight":3},)"
      R"({"address":"10.0.0.1","port":5432,"drain":true}],"when_all_down":"try_all"})";
};

TEST_F(PoolListener, IsToldToEveryIngressNodeWithItsPool) {
  add_listener("db", "192.0.2.9");
  EXPECT_THAT(update(), ElementsAre("n1", "n2"));
  const Lines told{"+l4 tcp/192.0.2.9:5432", "+l4 uid-pool a/db"};
  EXPECT_EQ(delta_keys("n1"), told);
  EXPECT_EQ(delta_keys("n2"), told);
  const auto listener = compiled("tcp/192.0.2.9:5432");
  EXPECT_EQ(listener.forwarding, contract::Forwarding::kDsr);
  EXPECT_EQ(listener.pool, "uid-pool a/db");
  EXPECT_EQ(listener.when_all_down, contract::WhenAllDown::kTryAll);
  ASSERT_EQ(listener.targets.size(), 2u);
  EXPECT_EQ(listener.targets[0].name, "10.0.0.1:5432");
  EXPECT_TRUE(listener.targets[0].drain);
  EXPECT_EQ(listener.targets[1].address.to_string(), "10.0.0.2");
  EXPECT_EQ(listener.targets[1].weight, 3u);
  EXPECT_NE(listener.targets[0].id, listener.targets[1].id);
}

TEST_F(PoolListener, SaysHowBackendsAreChosen) {
  add(pool_key("a", "db"), R"({"backends":[{"address":"10.0.0.1","port":5432},)"
                           R"({"address":"10.0.0.2","port":5432,"priority":2}],)"
                           R"("slow_start":"10s","drain_timeout":"30s"})");
  add(global(Kind::kListener, "db"),
      pool_listener_body("192.0.2.9", 5432, "a/db", R"(,"protocol":"tcp","balance":"round_robin")"));
  update();
  const auto listener = compiled("tcp/192.0.2.9:5432");
  EXPECT_EQ(listener.balance, contract::FlowBalance::kRoundRobin);
  EXPECT_EQ(listener.targets[0].priority, 0u);
  EXPECT_EQ(listener.targets[1].priority, 2u);
  const auto pool = std::get<contract::Pool>(
      *outputs_.snapshot("n1")->objects.at({"l4", contract::Kind::kPool, "uid-pool a/db"}));
  EXPECT_EQ(pool.slow_start, contract::Millis(10'000));
  EXPECT_EQ(pool.drain_timeout, contract::Millis(30'000));
}

TEST_F(PoolListener, ANodeThatIsNoIngressAnyMoreForgetsIt) {
  add_listener("db", "192.0.2.9");
  update();
  add(global(Kind::kNode, "n1"), R"({"roles":["worker"]})");
  EXPECT_THAT(update(), ElementsAre("n1"));
  EXPECT_THAT(delta_keys("n1"), UnorderedElementsAre("-l4 tcp/192.0.2.9:5432", "-l4 uid-pool a/db",
                                                     "-l4 tcp/192.0.2.1:80", "-l4 tcp/192.0.2.2:80"));
  add(global(Kind::kNode, "n1"), "{}");
  update();
  EXPECT_THAT(delta_keys("n1"), UnorderedElementsAre("+l4 tcp/192.0.2.9:5432", "+l4 uid-pool a/db",
                                                     "+l4 tcp/192.0.2.1:80", "+l4 tcp/192.0.2.2:80"));
}

TEST_F(PoolListener, TwoOfOnePoolShareItAndFollowIt) {
  add_listener("db", "192.0.2.9");
  add_listener("db2", "192.0.2.10");
  update();
  model_.remove(global(Kind::kListener, "db"));
  changed_.insert(global(Kind::kListener, "db"));
  update();
  EXPECT_EQ(delta_keys("n1"), Lines{"-l4 tcp/192.0.2.9:5432"}) << "the pool is in use still";
  add(pool_key("a", "db"), R"({"backends":[{"address":"10.0.0.2","port":5432}]})");
  update();
  EXPECT_EQ(delta_keys("n1"), (Lines{"+l4 tcp/192.0.2.10:5432", "+l4 uid-pool a/db"}));
  EXPECT_EQ(compiled("tcp/192.0.2.10:5432").targets.size(), 1u);
}

TEST_F(PoolListener, ABackendKeepsItsTargetWhicheverPoolItIsOf) {
  add(pool_key("a", "other"), R"({"backends":[{"address":"10.0.0.2","port":5432}]})");
  add_listener("db", "192.0.2.9");
  update();
  const auto before = compiled("tcp/192.0.2.9:5432").targets[1];
  add(global(Kind::kListener, "db"), pool_listener_body("192.0.2.9", 5432, "a/other"));
  update();
  EXPECT_EQ(compiled("tcp/192.0.2.9:5432").targets[0].id, before.id);
}

TEST_F(PoolListener, HasItsPlaceAlone) {
  EXPECT_THAT(put_and_check(global(Kind::kListener, "x"), pool_listener_body("192.0.2.1", 80, "a/p")),
              ElementsAre("!listener x /address address_taken"));
  EXPECT_THAT(put_and_check(global(Kind::kListener, "x"),
                            pool_listener_body("192.0.2.1", 80, "a/p", R"(,"protocol":"udp")")),
              IsEmpty())
      << "udp beside http";
  EXPECT_THAT(put_and_check(global(Kind::kListener, "y"),
                            pool_listener_body("192.0.2.1", 80, "a/p", R"(,"protocol":"udp")")),
              ElementsAre("!listener y /address address_taken"));
  EXPECT_THAT(put_and_check(global(Kind::kListener, "z"), pool_listener_body("192.0.2.9", 80, "a/gone")),
              ElementsAre("listener z /pool missing_reference"));
}

struct Unfit {
  const char* name;
  const char* backend;
  const char* code;
};

class UnfitBackend : public PoolListener, public ::testing::WithParamInterface<Unfit> {};

TEST_P(UnfitBackend, IsRefusedWhicheverComesFirst) {
  const std::string pool = std::string(R"({"backends":[)") + GetParam().backend + "]}";
  add(pool_key("a", "unfit"), pool);
  EXPECT_THAT(put_and_check(global(Kind::kListener, "x"), pool_listener_body("192.0.2.9", 53, "a/unfit")),
              ElementsAre(std::string("listener x /pool ") + GetParam().code));
  EXPECT_THAT(put_and_check(pool_key("a", "unfit"), pool),
              ElementsAre(std::string("pool a/unfit /backends ") + GetParam().code));
}

INSTANTIATE_TEST_SUITE_P(
    Each, UnfitBackend,
    ::testing::Values(Unfit{"Name", R"({"address":"db.example.com","port":53})", "unsupported"},
                      Unfit{"Family", R"({"address":"2001:db8::1","port":53})", "invalid_value"},
                      Unfit{"Port", R"({"address":"10.0.0.1","port":5353})", "invalid_value"}),
    [](const auto& instance) { return instance.param.name; });

TEST_F(PoolListener, ATunnelMayBeOfAnotherFamily) {
  add(pool_key("a", "six"), R"({"backends":[{"address":"2001:db8::1","port":53}]})");
  EXPECT_THAT(put_and_check(global(Kind::kListener, "x"),
                            R"({"address":"192.0.2.9","port":53,"protocol":"udp","pool":"a/six",)"
                            R"("forwarding":"vxlan","vxlan":{"vni":7,"mac":"02:00:00:00:00:07"}})"),
              IsEmpty());
  update();
  EXPECT_EQ(compiled("udp/192.0.2.9:53").vxlan, (contract::Vxlan{7, "02:00:00:00:00:07"}));
}

TEST_F(PoolListener, ByNatBackendsHaveTheirOwnPortAndTheListenersFamily) {
  add(pool_key("a", "app"), R"({"backends":[{"address":"10.0.0.1","port":8080}]})");
  add(pool_key("a", "six"), R"({"backends":[{"address":"2001:db8::1","port":53}]})");
  for (const std::string forwarding : {"nat", "fullnat"}) {
    const auto body = [&](const std::string& pool) {
      return R"({"address":"192.0.2.9","port":53,"protocol":"tcp","pool":"a/)" + pool +
             R"(","forwarding":")" + forwarding + "\"}";
    };
    EXPECT_THAT(put_and_check(global(Kind::kListener, "x"), body("app")), IsEmpty());
    EXPECT_THAT(put_and_check(global(Kind::kListener, "x"), body("six")),
                ElementsAre("listener x /pool invalid_value"));
  }
}

TEST_F(PoolListener, ByNatABackendIsOfOneListener) {
  const auto body = [](const std::string& address, const std::string& pool, const std::string& forwarding,
                       const std::string& protocol = "tcp") {
    return R"({"address":")" + address + R"(","port":53,"protocol":")" + protocol + R"(","pool":"a/)" + pool +
           R"(","forwarding":")" + forwarding + "\"}";
  };
  add(pool_key("a", "one"),
      R"({"backends":[{"address":"10.0.0.1","port":53},{"address":"10.0.0.2","port":53}]})");
  add(pool_key("a", "two"),
      R"({"backends":[{"address":"10.0.0.2","port":53},{"address":"10.0.0.3","port":53}]})");
  add(pool_key("a", "three"), R"({"backends":[{"address":"10.0.0.4","port":53}]})");
  add(global(Kind::kListener, "x"), body("192.0.2.9", "one", "nat"));
  EXPECT_THAT(put_and_check(global(Kind::kListener, "y"), body("192.0.2.10", "two", "nat")),
              ElementsAre("!listener y /pool backend_taken"));
  EXPECT_THAT(put_and_check(global(Kind::kListener, "y"), body("192.0.2.10", "two", "nat", "udp")),
              IsEmpty());
  EXPECT_THAT(put_and_check(global(Kind::kListener, "y"), body("192.0.2.10", "two", "fullnat")), IsEmpty());
  EXPECT_THAT(put_and_check(global(Kind::kListener, "y"), body("192.0.2.10", "three", "nat")), IsEmpty());
  EXPECT_THAT(put_and_check(pool_key("a", "three"), R"({"backends":[{"address":"10.0.0.1","port":53}]})"),
              ElementsAre("!pool a/three /backends backend_taken"));
}

TEST_F(PoolListener, TakesNeitherRoutesNorPolicies) {
  add_listener("db", "192.0.2.9");
  EXPECT_THAT(put_and_check(route_key("a", "x"), route_body("\"db\"", "p")),
              ElementsAre("route a/x /listeners/0 protocol_mismatch"));
  model_.remove(route_key("a", "x"));
  EXPECT_THAT(put_and_check(global(Kind::kPolicy, "x"),
                            R"({"targets":{"listeners":["db"]},"cors":{"origins":["*"]}})"),
              ElementsAre("policy x /targets/listeners/0 protocol_mismatch"));
  model_.remove(global(Kind::kPolicy, "x"));
  EXPECT_THAT(put_and_check(global(Kind::kListener, "alt"), pool_listener_body("192.0.2.2", 5432, "a/db")),
              IsEmpty());
  const auto problems =
      put_and_check(global(Kind::kListener, "web"), pool_listener_body("192.0.2.1", 5432, "a/db"));
  ASSERT_EQ(problems.size(), 20u) << "one for each route";
  EXPECT_EQ(problems[0], "listener web /protocol protocol_mismatch");
}

TEST_F(PoolListener, NeedsNoGrant) {
  add_listener("db", "192.0.2.9");
  EXPECT_THAT(put_and_check(global(Kind::kNamespace, "a"), R"({"labels":{"x":"y"}})"), IsEmpty());
}

}  // namespace
}  // namespace headgate::compile
