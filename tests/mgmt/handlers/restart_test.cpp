// SPDX-License-Identifier: Apache-2.0
// What a node makes of the command is tests/node/node_test.cpp; here the nodes are played.
#include "mgmt/handlers/restart.hpp"

#include "dataplane/contract/codec.hpp"
#include "tests/mgmt/handlers/api_fixture.hpp"

namespace headgate::handlers {
namespace {

using test::ApiFixture;
using test::JsonValue;
using testing::HasSubstr;

class RestartTest : public ApiFixture {
 protected:
  void SetUp() override {
    ApiFixture::SetUp();
    put_simple_ingress();
    put("/v1/nodes/n2", "{}");
    for (const std::string node : {"n1", "n2"}) credentials_[node] = enrolled(node);
  }
  void report(const std::string& node, const JsonValue& more = JsonValue::object()) {
    JsonValue body{{"received", 1}, {"applied", 1}};
    body.update(more);
    ASSERT_EQ(call("POST", "/v1/nodes/" + node + "/report", body.dump(), {}, credentials_[node]).status, 204);
  }
  static JsonValue restarts(const std::string& state) {
    return {{"restarts", {{{"shard", "edge"}, {"state", state}, {"replicas", 2}, {"replaced", 1}}}}};
  }
  // The command as the node gets it.
  contract::AddressedCommand command(const std::string& node) {
    const auto update =
        call("GET", "/v1/nodes/" + node + "/delta?base=" + std::to_string(revision()) + "&timeout=30s", "",
             {}, credentials_[node]);
    const auto decoded = contract::decode_node_update(update.body);
    EXPECT_TRUE(decoded.ok() && decoded->commands.size() == 1) << update.body;
    return decoded.ok() && !decoded->commands.empty() ? decoded->commands[0] : contract::AddressedCommand{};
  }
  void answer(const std::string& node, bool ok, const std::string& body) {
    const auto sent = command(node);
    EXPECT_EQ(sent.process, "shard/edge");
    EXPECT_EQ(sent.command.verb, "restart");
    report(node, {{"results", {{{"id", sent.command.id}, {"ok", ok}, {"body", body}}}}});
  }

  std::map<std::string, std::string> credentials_;
};

TEST_F(RestartTest, TellsEachNodeOfTheShardAndIsAudited) {
  report("n1");
  report("n2");
  auto asked = begin("POST", "/v1/shards/edge/restart");
  answer("n2", true, "{}");
  answer("n1", true, "{}");
  const auto response = asked.get();
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(
      JsonValue::parse(response.body),
      (JsonValue{{"shard", "edge"},
                 {"nodes", {{{"node", "n2"}, {"accepted", true}}, {{"node", "n1"}, {"accepted", true}}}}}));
  const auto entry = get("/v1/audit")["items"][0];
  EXPECT_EQ(entry["verb"], "restart");
  EXPECT_EQ(entry["kind"], "shard");
  EXPECT_EQ(entry["name"], "edge");
}

TEST_F(RestartTest, ANodeThatCannotIsNamedAndHoldsUpNobody) {
  report("n1");  // n2 has never been heard of
  auto asked = begin("POST", "/v1/shards/edge/restart");
  answer("n1", true, "{}");
  const auto response = asked.get();
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(JsonValue::parse(response.body)["nodes"],
            (JsonValue{{{"node", "n2"}, {"accepted", false}, {"reason", "it is not connected"}},
                       {{"node", "n1"}, {"accepted", true}}}));
}

TEST_F(RestartTest, IsRefusedWhileOneIsUnderWay) {
  report("n1");
  report("n2", restarts("running"));
  auto response = call("POST", "/v1/shards/edge/restart");
  EXPECT_EQ(response.status, 409);
  EXPECT_THAT(response.body, HasSubstr("A restart of shard edge is under way on node n2."));
  // A node that has begun one and not said so yet refuses by itself.
  report("n2", restarts("done"));
  auto asked = begin("POST", "/v1/shards/edge/restart");
  for (const std::string node : {"n1", "n2"}) answer(node, false, "a restart of shard edge is under way");
  response = asked.get();
  EXPECT_EQ(response.status, 409);
  EXPECT_THAT(response.body, HasSubstr("n1: a restart of shard edge is under way."));
}

TEST_F(RestartTest, SaysWhyItCannotBegin) {
  EXPECT_EQ(call("POST", "/v1/shards/gone/restart").status, 404);
  const auto response = call("POST", "/v1/shards/edge/restart");
  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.body, HasSubstr("n1: it is not connected"));
  EXPECT_EQ(call("GET", "/v1/shards/edge/restart").status, 405);
  const auto viewer = new_token("v", R"({"role": "viewer"})");
  EXPECT_EQ(call("POST", "/v1/shards/edge/restart", "", {}, viewer).status, 403);
}

TEST_F(RestartTest, StatusSaysHowFarItIs) {
  report("n1", restarts("running"));
  const auto seen = get("/v1/status")["nodes"][0]["restarts"];
  EXPECT_EQ(
      seen,
      (JsonValue{
          {{"shard", "edge"}, {"state", "running"}, {"replicas", 2}, {"replaced", 1}, {"reason", ""}}}));
}

}  // namespace
}  // namespace headgate::handlers
