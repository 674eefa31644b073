// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/config.hpp"

#include "tests/mgmt/handlers/api_fixture.hpp"

namespace headgate::handlers {
namespace {

using test::ApiFixture;
using test::JsonValue;

class Config : public ApiFixture {};

TEST_F(Config, RoundTrips) {
  put_simple_ingress();
  const auto read = call("GET", "/v1/config");
  const auto written = call("PUT", "/v1/config", read.body, {{"if-match", header(read, "ETag")}});
  EXPECT_EQ(written.status, 200) << written.body;
  EXPECT_TRUE(JsonValue::parse(written.body)["changes"].empty());
  EXPECT_EQ(header(written, "Headgate-Revision"), "6");
}

TEST_F(Config, RoundTripsWhatIsSaidOfTheUpstreamSide) {
  put_simple_ingress();
  auto config = get("/v1/config");
  auto& rule = config["routes"][0]["rules"][0];
  rule["retry"] = JsonValue::parse(R"({"attempts": 2, "on": ["reset", "503"], "backoff": {"base": "10ms"}})");
  rule["affinity"] = JsonValue::parse(R"({"cookie": {"name": "stay", "ttl": "1h", "same_site": "strict"}})");
  rule["timeouts"] = JsonValue::parse(R"({"request": "30s", "backend_request": "5s", "idle": "1m"})");
  auto& pool = config["pools"][0];
  pool.update(JsonValue::parse(R"({"algorithm": "maglev", "hash": {"source": "cookie", "name": "sid"},
      "failover_percent": 50, "outlier": {"consecutive_5xx": 3, "ejected_percent_max": 20},
      "circuit_breaker": {"connections_max": 100, "pending_timeout": "2s"},
      "retry_budget": {"percent": 10}, "connect_timeout": "1s", "idle_timeout": "20s"})"));
  pool["backends"][0]["priority"] = 1;
  const auto written = call("PUT", "/v1/config", config.dump());
  ASSERT_EQ(written.status, 200) << written.body;
  const auto read = get("/v1/config");
  EXPECT_EQ(read["routes"][0]["rules"], config["routes"][0]["rules"]);
  for (const auto& [name, value] : pool.items()) EXPECT_EQ(read["pools"][0][name], value) << name;
  EXPECT_TRUE(JsonValue::parse(call("PUT", "/v1/config", read.dump()).body)["changes"].empty());
}

TEST_F(Config, RoundTripsMatchesAndFilters) {
  put_simple_ingress();
  auto config = get("/v1/config");
  config["routes"].push_back(
      JsonValue::parse(R"({"namespace": "default", "name": "filtered", "listeners": ["web"],
    "rules": [
      {"matches": [{"path": {"type": "regex", "value": "/v[0-9]+/.*"},
                    "headers": [{"name": "x-a", "value": "1|2", "type": "regex"}],
                    "query": [{"name": "q", "value": "a b"}]}],
       "filters": {"redirect": {"scheme": "https", "hostname": "new.example", "port": 8443, "status": 308,
                                "path": {"value": "/there"}}}},
      {"matches": [{"path": {"value": "/old"}}],
       "filters": {
         "ip_access": {"allow": ["10.0.0.0/8"], "deny": ["10.1.0.0/16"]},
         "rate_limit": {"requests": 10, "per": "1m", "burst": 2, "key": "header", "header": "x-key"},
         "cors": {"origins": ["https://*.example"], "methods": ["GET", "PUT"], "headers": ["*"],
                  "expose": ["x-id"], "max_age": "10m", "credentials": true},
         "request_headers": {"set": [{"name": "x-tier", "value": "1"}], "remove": ["x-secret"]},
         "rewrite": {"hostname": "inner.example", "path": {"type": "prefix", "value": "/new"}},
         "response_headers": {"add": [{"name": "x-via", "value": "edge"}]}},
       "forward": [{"pool": "app", "weight": 9},
                   {"pool": "app", "weight": 1, "filters": {"direct_response": {
                     "status": 503, "body": "later", "headers": [{"name": "retry-after", "value": "9"}]}}}]}]})"));
  const auto written = call("PUT", "/v1/config", config.dump());
  ASSERT_EQ(written.status, 200) << written.body;
  const auto read = get("/v1/config");
  const auto again = call("PUT", "/v1/config", read.dump());
  EXPECT_EQ(again.status, 200) << again.body;
  EXPECT_TRUE(JsonValue::parse(again.body)["changes"].empty());
  EXPECT_EQ(get("/v1/namespaces/default/routes/filtered")["rules"], config["routes"].back()["rules"]);
}

TEST_F(Config, IsOneRevisionWhateverItChanges) {
  put_simple_ingress();
  auto config = get("/v1/config");
  config["listeners"][0]["port"] = 8080;
  config["pools"].push_back({{"name", "other"}});
  config["nodes"] = JsonValue::array({{{"name", "n2"}}});
  const auto written = call("PUT", "/v1/config", config.dump());
  ASSERT_EQ(written.status, 200) << written.body;
  std::vector<std::string> changes;
  const auto answer = JsonValue::parse(written.body);
  for (const auto& change : answer["changes"])
    changes.push_back(change["verb"].get<std::string>() + " " + change["name"].get<std::string>());
  EXPECT_THAT(changes, testing::UnorderedElementsAre("update web", "create other", "delete n1", "create n2"));
  EXPECT_EQ(revision(), 7);
  EXPECT_EQ(call("GET", "/v1/nodes/n1").status, 404);
}

TEST_F(Config, OfNothingLeavesTheDefaultNamespace) {
  put_simple_ingress();
  ASSERT_EQ(call("PUT", "/v1/config", "{}").status, 200);
  const auto config = get("/v1/config");
  EXPECT_EQ(config["namespaces"], (JsonValue::array({{{"name", "default"}}})));
  EXPECT_TRUE(config["routes"].empty());
}

TEST_F(Config, TakesAllKindsAtOnceInAnyOrder) {
  const auto written = call("PUT", "/v1/config", R"({
      "routes": [{"namespace": "a", "name": "r", "listeners": ["l"], "rules": [{"forward": [{"pool": "p"}]}]}],
      "pools": [{"namespace": "a", "name": "p"}],
      "namespaces": [{"name": "a"}],
      "listeners": [{"name": "l", "address": "192.0.2.1", "port": 80, "shard": "s"}],
      "shards": [{"name": "s"}], "nodes": [{"name": "n"}]})");
  EXPECT_EQ(written.status, 200) << written.body;
  EXPECT_EQ(get("/v1/namespaces/a/routes/r")["namespace"], "a");
}

TEST_F(Config, DryRunShowsWhatItWouldDo) {
  put_simple_ingress();
  const auto tried = call("PUT", "/v1/config?dry_run=true", R"({"nodes": [{"name": "n1", "drain": true}]})");
  EXPECT_EQ(tried.status, 200);
  EXPECT_EQ(JsonValue::parse(tried.body)["changes"].size(), 5u);
  EXPECT_EQ(get("/v1/config")["routes"].size(), 1u);
}

TEST_F(Config, KeepsTokensAndNodesCredentials) {
  put_simple_ingress();
  const auto viewer = new_token("v", R"({"role": "viewer"})");
  const auto credential = enrolled("n1");
  auto config = get("/v1/config");
  config["nodes"][0]["drain"] = true;
  ASSERT_EQ(call("PUT", "/v1/config", config.dump()).status, 200);
  EXPECT_EQ(call("GET", "/v1/nodes", "", {}, viewer).status, 200);
  EXPECT_EQ(call("GET", "/v1/nodes/n1/delta?timeout=0ms", "", {}, credential).status, 200);
}

TEST_F(Config, LeavesItsTraceInTheRevisions) {
  put_simple_ingress();
  ASSERT_EQ(call("DELETE", "/v1/namespaces/default/routes/app").status, 204);
  const auto page = get("/v1/revisions?limit=2");
  ASSERT_EQ(page["items"].size(), 2u);
  EXPECT_EQ(page["items"][0]["summary"], "DELETE /v1/namespaces/default/routes/app");
  EXPECT_EQ(page["items"][0]["author"], "token/admin");
  EXPECT_EQ(page["items"][1]["revision"], 6);
  EXPECT_EQ(get("/v1/revisions?limit=100&cursor=" + page["next_cursor"].get<std::string>())["items"].size(),
            5u);
  const auto deleted = get("/v1/revisions/7")["changes"];
  ASSERT_EQ(deleted.size(), 1u);
  EXPECT_EQ(deleted[0]["verb"], "delete");
  EXPECT_EQ(deleted[0]["name"], "app");
  EXPECT_EQ(get("/v1/revisions/2")["changes"][0]["verb"], "create");
}

}  // namespace
}  // namespace headgate::handlers
