// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/nodes.hpp"

#include "dataplane/contract/codec.hpp"
#include "tests/mgmt/handlers/api_fixture.hpp"

namespace headgate::handlers {
namespace {

using test::ApiFixture;
using test::JsonValue;
using namespace std::chrono_literals;

// A node as headgated sees it: polls, applies, reports.
class Nodes : public ApiFixture {
 protected:
  void SetUp() override {
    ApiFixture::SetUp();
    put_simple_ingress();
    credential_ = enrolled("n1");
  }
  std::future<http::Response> begin_poll(uint64_t base, const std::string& timeout = "30s") {
    return begin("GET", "/v1/nodes/n1/delta?base=" + std::to_string(base) + "&timeout=" + timeout, "", {},
                 credential_);
  }
  contract::NodeUpdate update_of(const http::Response& response) {
    EXPECT_EQ(response.status, 200) << response.body;
    auto update = contract::decode_node_update(response.body);
    EXPECT_TRUE(update.ok());
    return update.ok() ? std::move(*update) : contract::NodeUpdate{};
  }
  void report(uint64_t applied, const std::string& more = "") {
    const auto body = R"({"received": )" + std::to_string(applied) + R"(, "applied": )" +
                      std::to_string(applied) + more + "}";
    ASSERT_EQ(call("POST", "/v1/nodes/n1/report", body, {}, credential_).status, 204);
  }

  std::string credential_;
};

TEST_F(Nodes, GetEverythingFirstThenWhatChanges) {
  auto first = update_of(begin_poll(0).get());
  ASSERT_TRUE(first.delta);
  EXPECT_EQ(first.delta->base, 0u);
  EXPECT_EQ(first.delta->revision, revision());
  contract::Snapshot snapshot;
  ASSERT_TRUE(contract::apply(snapshot, *first.delta).ok());

  auto waiting = begin_poll(snapshot.revision);
  EXPECT_EQ(waiting.wait_for(0s), std::future_status::timeout);
  put("/v1/namespaces/default/pools/app", R"({"backends": [{"address": "10.0.1.3", "port": 8080}]})");
  auto next = update_of(waiting.get());
  ASSERT_TRUE(next.delta);
  EXPECT_EQ(next.delta->base, snapshot.revision);
  EXPECT_LE(next.delta->upserts.size(), 2u);  // of the node and of the shard, no more
  ASSERT_TRUE(contract::apply(snapshot, *next.delta).ok());
  EXPECT_EQ(snapshot.revision, revision());

  auto whole = update_of(begin_poll(0).get());
  contract::Snapshot fresh;
  ASSERT_TRUE(contract::apply(fresh, *whole.delta).ok());
  EXPECT_EQ(fresh, snapshot);
}

TEST_F(Nodes, GetSeveralRevisionsInOneDelta) {
  const auto base = revision();
  for (int i = 0; i < 20; ++i)
    put("/v1/namespaces/default/pools/app",
        R"({"backends": [{"address": "10.0.1.9", "port": )" + std::to_string(9000 + i) + "}]}");
  auto update = update_of(begin_poll(base).get());
  EXPECT_EQ(update.delta->base, base);
  EXPECT_EQ(update.delta->revision, base + 20);
  EXPECT_LE(update.delta->upserts.size(), 2u);
}

TEST_F(Nodes, GetEverythingAfterHeadgatedHasForgotten) {
  const auto base = revision();
  open();
  EXPECT_EQ(update_of(begin_poll(base + 1000).get()).delta->base, 0u);
  EXPECT_EQ(
      begin_poll(base, "0ms").get().status == 204 || update_of(begin_poll(base).get()).delta->base == 0u,
      true);
}

TEST_F(Nodes, HearNothingUpToTheTimeout) { EXPECT_EQ(begin_poll(revision(), "20ms").get().status, 204); }

TEST_F(Nodes, HaveOnePollEach) {
  auto older = begin_poll(revision());
  auto newer = begin_poll(revision());
  EXPECT_EQ(older.get().status, 204);
  put("/v1/nodes/n1", R"({"drain": true})");
  EXPECT_EQ(newer.get().status, 200);
}

TEST_F(Nodes, AreToldThatTheyAreGone) {
  auto waiting = begin_poll(revision());
  ASSERT_EQ(call("DELETE", "/v1/nodes/n1").status, 204);
  EXPECT_EQ(waiting.get().status, 204);
}

TEST_F(Nodes, AreAnsweredWhenHeadgatedStops) {
  auto waiting = begin_poll(revision());
  service_->stop();
  EXPECT_EQ(waiting.get().status, 204);
}

TEST_F(Nodes, AcknowledgeWhatAWriteWaitsFor) {
  const auto base = revision();
  report(base);
  auto written = begin("PUT", "/v1/namespaces/default/pools/app?wait=applied&timeout=30s",
                       R"({"algorithm": "least_requests"})");
  auto update = update_of(begin_poll(base).get());
  EXPECT_EQ(written.wait_for(0s), std::future_status::timeout);
  report(update.delta->revision);
  const auto response = written.get();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(JsonValue::parse(response.body)["status"]["conditions"][2]["status"], true);
}

TEST_F(Nodes, AreNotWaitedForWhereNothingConcernsThem) {
  report(revision());
  const auto response = call("PUT", "/v1/namespaces/other?wait=applied&timeout=30s", "{}");
  EXPECT_EQ(response.status, 201) << response.body;
}

TEST_F(Nodes, AreNamedWhereAWriteWaitsInVain) {
  report(revision());
  const auto response = call("PUT", "/v1/listeners/web?wait=applied&timeout=20ms",
                             R"({"address": "192.0.2.100", "port": 81, "shard": "edge"})");
  EXPECT_EQ(response.status, 202);
  const auto body = JsonValue::parse(response.body);
  EXPECT_EQ(body["applied"], false);
  EXPECT_EQ(body["missing"][0]["node"], "n1");
  EXPECT_EQ(body["object"]["port"], 81);
}

TEST_F(Nodes, SayWhyTheyRefuse) {
  report(5, R"(, "refused_reason": "no such address here")");
  const auto condition = get("/v1/listeners/web")["status"]["conditions"][2];
  EXPECT_EQ(condition["type"], "applied");
  EXPECT_EQ(get("/v1/namespaces/default/routes/app")["status"]["conditions"][2]["reason"], "refused");
  EXPECT_THAT(get("/v1/namespaces/default/routes/app").dump(), testing::HasSubstr("no such address here"));
}

TEST_F(Nodes, CarryCommandsAndResults) {
  const auto base = revision();
  auto waiting = begin_poll(base);
  std::promise<Result<contract::CommandResult>> answered;
  service_->command("n1", {"shard/edge/0", {"", "explain", R"({"path": "/"})"}}, 30s,
                    [&](Result<contract::CommandResult> result) { answered.set_value(std::move(result)); });
  auto update = update_of(waiting.get());
  EXPECT_FALSE(update.delta);
  ASSERT_EQ(update.commands.size(), 1u);
  EXPECT_EQ(update.commands[0].process, "shard/edge/0");
  report(base,
         R"(, "results": [{"id": ")" + update.commands[0].command.id + R"(", "ok": true, "body": "{}"}])");
  const auto result = answered.get_future().get();
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->ok);
  EXPECT_EQ(begin_poll(base, "0ms").get().status, 204);  // handed out once
}

TEST_F(Nodes, ShowInTheStatus) {
  EXPECT_EQ(get("/v1/status")["nodes"][0]["connected"], false);
  report(revision(),
         R"(, "processes": [{"process": "shard/edge/0", "state": "crash_loop", "pid": 7, "restarts": 5,
            "last_exit": "signal 9"}],
      "notices": [{"code": "no_hugepages", "text": "4 KiB pages are used"}],
      "health": [{"key": {"group": "p", "member": "10.0.1.2:8080"},
                  "endpoints": [{"endpoint": "10.0.1.2:8080", "usable": false, "reason": "connection refused"}]}],
      "stats": [{"process": "l4", "stats": {"samples": [{"name": "rx_packets_total", "labels": {"worker": "0"}, "value": 9}]}}])");
  const auto status = get("/v1/status");
  EXPECT_EQ(status["applied"], status["revision"]);
  const auto& node = status["nodes"][0];
  EXPECT_EQ(node["connected"], true);
  EXPECT_EQ(node["processes"][0]["state"], "crash_loop");
  EXPECT_EQ(node["notices"][0]["code"], "no_hugepages");
  EXPECT_EQ(node["health"][0]["endpoints"][0]["usable"], false);
  EXPECT_EQ(get("/v1/stats")["nodes"][0]["processes"][0]["samples"][0]["value"], 9);
  EXPECT_THAT(
      call("GET", "/metrics").body,
      testing::HasSubstr("# TYPE headgate_l4_rx_packets_total counter\n"
                         "headgate_l4_rx_packets_total{node=\"n1\",process=\"l4\",worker=\"0\"} 9\n"));
}

TEST_F(Nodes, ThatSendNonsenseAreRefused) {
  for (const char* body : {"", "[]", "{\"applied\": -1}", "{\"processes\": [1]}"}) {
    const auto response = call("POST", "/v1/nodes/n1/report", body, {}, credential_);
    EXPECT_THAT(response.status, testing::AnyOf(400, 422)) << body;
  }
}

}  // namespace
}  // namespace headgate::handlers
