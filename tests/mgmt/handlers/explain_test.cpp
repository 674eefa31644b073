// SPDX-License-Identifier: Apache-2.0
// The replica's part is tests/shard/explain_request_test.cpp; here the node that carries the question is
// played.
#include "mgmt/handlers/explain.hpp"

#include "dataplane/contract/codec.hpp"
#include "tests/mgmt/handlers/api_fixture.hpp"

namespace headgate::handlers {
namespace {

using test::ApiFixture;
using test::JsonValue;
using namespace std::chrono_literals;
using testing::HasSubstr;

class ExplainTest : public ApiFixture {
 protected:
  void SetUp() override {
    ApiFixture::SetUp();
    put_simple_ingress();
    credential_ = enrolled("n1");
  }
  void report(const std::string& results) {
    ASSERT_EQ(call("POST", "/v1/nodes/n1/report",
                   R"({"received": 1, "applied": 1, "processes": )" + processes_ + R"(, "results": )" +
                       results + "}",
                   {}, credential_)
                  .status,
              204);
  }
  void run(const std::string& processes) {
    processes_ = processes;
    report("[]");
  }
  void run_replica() {
    run(R"([{"process": "l4", "state": "running", "pid": 1},
            {"process": "shard/edge/0", "state": "backoff", "pid": 0},
            {"process": "shard/edge/1", "state": "running", "pid": 2}])");
  }
  static std::string question(const std::string& request) {
    return R"({"listener": "web", "request": )" + request + "}";
  }
  // The command as the node gets it.
  contract::AddressedCommand command() {
    const auto update = call("GET", "/v1/nodes/n1/delta?base=" + std::to_string(revision()) + "&timeout=30s",
                             "", {}, credential_);
    const auto decoded = contract::decode_node_update(update.body);
    EXPECT_TRUE(decoded.ok() && decoded->commands.size() == 1) << update.body;
    return decoded.ok() && !decoded->commands.empty() ? decoded->commands[0] : contract::AddressedCommand{};
  }
  void answer(const contract::AddressedCommand& to, bool ok, const std::string& body) {
    report("[" + JsonValue{{"id", to.command.id}, {"ok", ok}, {"body", body}}.dump() + "]");
  }

  std::string credential_;
  std::string processes_;
};

TEST_F(ExplainTest, AsksARunningReplicaAsAClientWould) {
  run_replica();
  auto asked =
      begin("POST", "/v1/explain", question(R"({"host": "app.example.com", "path": "/x?y=1", "method": "PUT",
      "headers": [{"name": "x-a", "value": "1"}]})"));
  const auto sent = command();
  EXPECT_EQ(sent.process, "shard/edge/1");
  EXPECT_EQ(sent.command.verb, "explain");
  const auto decoded = contract::decode_request_question(sent.command.body);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->reached.to_string(), "192.0.2.100:80");
  EXPECT_EQ(decoded->head, "PUT /x?y=1 HTTP/1.1\r\nHost: app.example.com\r\nx-a: 1\r\n\r\n");

  contract::RequestAnswer of_replica;
  of_replica.revision = 5;
  of_replica.outcome = "found";
  of_replica.listener = "web";
  of_replica.path = "/x";
  contract::MatchAnswer winner;
  winner.namespace_name = "default";
  winner.route = "app";
  winner.rule = "0";
  winner.wins = true;
  contract::MatchAnswer loser = winner;
  loser.rule = "1";
  loser.wins = false;
  loser.lost_by = "header";
  loser.lost_by_name = "x-b";
  of_replica.matches = {winner, loser};
  of_replica.threads = 2;
  of_replica.forwards = {{"default", "app", 1, {}}, {"", "", 2, {}}};
  of_replica.forwards[0].endpoints = {
      {.address = {*IpAddress::parse("10.0.1.2"), 8080}, .usable = false, .drain = true},
      {.address = {*IpAddress::parse("10.0.1.3"), 8080}, .ejecting_threads = 1, .ejected_for = 29s}};
  of_replica.mirrors = {{"default", "spare", 10}};
  answer(sent, true, contract::encode(of_replica));
  const auto response = asked.get();
  ASSERT_EQ(response.status, 200) << response.body;
  const auto json = JsonValue::parse(response.body);
  EXPECT_EQ(json["source"], "live");
  EXPECT_EQ(json["node"], "n1");
  EXPECT_EQ(json["shard"], "edge");
  EXPECT_EQ(json["revision"], 5);
  EXPECT_EQ(json["rule"], "default/app/0");
  EXPECT_EQ(json["matches"][1]["lost_by_name"], "x-b");
  EXPECT_FALSE(json["matches"][0].contains("lost_by"));
  EXPECT_EQ(json["forwards"][0]["endpoints"][0]["address"], "10.0.1.2:8080");
  EXPECT_EQ(json["forwards"][0]["endpoints"][0]["usable"], false);
  EXPECT_FALSE(json["forwards"][0]["endpoints"][0].contains("ejected"));
  EXPECT_EQ(json["forwards"][0]["endpoints"][1]["ejected"],
            JsonValue::parse(R"({"by_threads": 1, "of_threads": 2, "for": "29s"})"));
  EXPECT_EQ(json["forwards"][1]["unresolved"], true);
  EXPECT_EQ(json["mirrors"][0]["pool"], "default/spare");
  EXPECT_EQ(json["mirrors"][0]["percent"], 10);
}

TEST_F(ExplainTest, AsksBehindTheHopAsWell) {
  run(R"([{"process": "shard/edge/0", "state": "running", "pid": 1},
          {"process": "shard/team/0", "state": "running", "pid": 2}])");
  const auto ask = question(R"({"host": "app.example.com"})");
  contract::RequestAnswer first;
  first.revision = 5;
  first.outcome = "found";
  first.listener = "web";
  first.forwards = {{"", "hop/team", 1, {}, {}, "team"}};
  auto asked = begin("POST", "/v1/explain", ask);
  answer(command(), true, contract::encode(first));
  const auto sent = command();
  EXPECT_EQ(sent.process, "shard/team/0");
  const auto decoded = contract::decode_request_question(sent.command.body);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->hop_listener,
            JsonValue::parse(call("GET", "/v1/listeners/web").body)["meta"]["uid"].get<std::string>());
  contract::RequestAnswer second;
  second.revision = 5;
  second.outcome = "no_rule";
  second.status = 404;
  second.listener = "web";
  answer(sent, true, contract::encode(second));
  auto json = JsonValue::parse(asked.get().body);
  EXPECT_EQ(json["shard"], "edge");
  EXPECT_EQ(json["outcome"], "found");
  EXPECT_EQ(json["forwards"][0]["hop_to"], "team");
  EXPECT_EQ(json["beyond_hop"]["shard"], "team");
  EXPECT_EQ(json["beyond_hop"]["process"], "shard/team/0");
  EXPECT_EQ(json["beyond_hop"]["source"], "live");
  EXPECT_EQ(json["beyond_hop"]["status"], 404);

  first.forwards[0].hop_to = "other";
  asked = begin("POST", "/v1/explain", ask);
  answer(command(), true, contract::encode(first));
  json = JsonValue::parse(asked.get().body);
  EXPECT_EQ(json["outcome"], "found");
  EXPECT_THAT(json["beyond_hop"]["unavailable"].get<std::string>(),
              HasSubstr("No replica of shard other runs on n1"));
}

TEST_F(ExplainTest, SaysWhyItCannotBeAnswered) {
  const auto ask = question(R"({"host": "a"})");
  auto response = call("POST", "/v1/explain", ask);
  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.body, HasSubstr("No replica of shard edge runs"));
  response = call("POST", "/v1/explain", R"({"listener": "gone", "request": {"host": "a"}})");
  EXPECT_EQ(response.status, 422);
  EXPECT_EQ(JsonValue::parse(response.body)["errors"][0]["pointer"], "/listener");
  EXPECT_EQ(call("POST", "/v1/explain", R"({"listener": "web", "request": {"hots": "a"}})").status, 422);
  EXPECT_EQ(
      call("POST", "/v1/explain", ask, {}, new_token("e", R"({"role": "editor", "namespaces": ["default"]})"))
          .status,
      403);

  run_replica();
  auto asked = begin("POST", "/v1/explain", ask);
  answer(command(), false, "a shard does not know the command explain");
  response = asked.get();
  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.body, HasSubstr("shard/edge/1 on n1: a shard does not know"));
}

TEST_F(ExplainTest, AsksL4AboutAPacket) {
  run_replica();
  auto asked = begin("POST", "/v1/explain",
                     R"({"listener": "web", "packet": {"source": "192.0.2.2:40000"}, "node": "n1"})");
  const auto sent = command();
  EXPECT_EQ(sent.process, "l4");
  const auto decoded = contract::decode_packet_question(sent.command.body);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->client.to_string(), "192.0.2.2:40000");
  EXPECT_EQ(decoded->reached.to_string(), "192.0.2.100:80");
  contract::PacketAnswer of_l4{
      .revision = 5, .outcome = "forwarded", .target = "edge/0", .chosen_by = "maglev"};
  of_l4.targets.push_back({.name = "edge/0",
                           .address = *Endpoint::parse("198.19.255.1:20000"),
                           .usable = true,
                           .next_hop = "02:00:00:00:00:07"});
  answer(sent, true, contract::encode(of_l4));
  const auto response = asked.get();
  ASSERT_EQ(response.status, 200) << response.body;
  const auto json = JsonValue::parse(response.body);
  EXPECT_EQ(json["source"], "live");
  EXPECT_EQ(json["target"], "edge/0");
  EXPECT_EQ(json["chosen_by"], "maglev");
  EXPECT_EQ(json["targets"][0]["address"], "198.19.255.1:20000");
  EXPECT_EQ(json["targets"][0]["next_hop"], "02:00:00:00:00:07");
}

TEST_F(ExplainTest, APacketThatCannotBeAskedAboutIsRefused) {
  const auto status = [&](const std::string& body) { return call("POST", "/v1/explain", body).status; };
  EXPECT_EQ(status(R"({"listener": "web", "packet": {"source": "192.0.2.2:40000"}})"), 503) << "no l4 runs";
  run_replica();
  EXPECT_EQ(status(R"({"listener": "web", "packet": {"source": "192.0.2.2"}})"), 422);
  EXPECT_EQ(status(R"({"listener": "web", "packet": {"source": "[2001:db8::2]:1"}})"), 422);
  EXPECT_EQ(status(R"({"listener": "gone", "packet": {"source": "192.0.2.2:1"}})"), 422);
  EXPECT_EQ(status(R"({"listener": "web"})"), 422) << "neither";
  EXPECT_EQ(status(R"({"listener": "web", "packet": {"source": "192.0.2.2:1"}, "request": {"host": "a"}})"),
            422);
  EXPECT_EQ(status(R"({"listener": "web", "packet": {"source": "192.0.2.2:1"}, "node": "n2"})"), 503);
}

}  // namespace
}  // namespace headgate::handlers
